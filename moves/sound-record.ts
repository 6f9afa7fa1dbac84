import * as z from "zod";
import { withoutAbsent } from "../libvirt/without-absent.ts";
import { inconsistencies } from "./inconsistencies.ts";
import { type MigrationRecord, recordSchema } from "./record.ts";

/** A record that no reader would take. */
class UnsoundRecord extends Error {
  override readonly name = "UnsoundRecord";
  /** A line each: where in the record, and what is wrong there. */
  readonly faults: readonly string[];

  constructor(record: unknown, { issues }: z.ZodError) {
    const faults = issues.map(
      ({ path, message }) => `${z.core.toDotPath(path) || "record"} is ${at(record, path)}: ${message}`,
    );
    const { guest, from, to } = Object(record) as Partial<MigrationRecord>;
    super(
      `the record of guest ${guest}'s move from ${from} to ${to} does not fit its schema (${faults.join("; ")})`,
    );
    this.faults = faults;
  }
}

const at = (record: unknown, path: readonly PropertyKey[]): string => {
  const value = path.reduce<unknown>((part, key) => (part as { [key: PropertyKey]: unknown })?.[key], record);
  return typeof value === "string" ? JSON.stringify(value) : String(value);
};

/**
 * The record as its readers will see it, with what cannot be true together in it. What is not in the schema is left out: it could hold
 * anything.
 *
 * @throws UnsoundRecord when it does not fit: written down, it would be passed over by every reader
 */
export function soundRecord(record: object): MigrationRecord {
  const parsed = recordSchema.safeParse(record);
  if (!parsed.success) throw new UnsoundRecord(record, parsed.error);
  return withFaults(parsed.data);
}

/**
 * Makes the record of a move from its figures. One that does not fit the schema is left out where a record can do without it, and said
 * among its faults: the rest is worth keeping.
 *
 * @throws UnsoundRecord when what every record has does not fit
 */
export function madeRecord(figures: object): MigrationRecord {
  const { error } = recordSchema.safeParse(figures);
  if (!error) return soundRecord(figures);
  const misfits = error.issues.map(({ path }) => path[0]);
  const fitting = Object.entries(figures).filter(([name]) => !misfits.includes(name));
  const rest = recordSchema.safeParse({ phases: [], passes: [], ...Object.fromEntries(fitting) });
  const unsound = new UnsoundRecord(figures, error);
  if (!rest.success) throw unsound;
  return withFaults({ ...rest.data, faults: [...unsound.faults] });
}

const withFaults = (record: MigrationRecord): MigrationRecord => {
  // Pulumi's states take no key without a value.
  const sound: MigrationRecord = withoutAbsent(record);
  const faults = inconsistencies(sound);
  return faults.length === 0 ? sound : { ...sound, faults };
};

export const isSound = (record: MigrationRecord): boolean => recordSchema.safeParse(record).success;
