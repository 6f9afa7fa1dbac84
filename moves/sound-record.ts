import * as z from "zod";
import { type MigrationRecord, recordSchema } from "./record.ts";

/** A record that no reader would take. */
export class UnsoundRecord extends Error {
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
 * The record as its readers will see it. What is not in the schema is left out: it could hold anything.
 *
 * @throws UnsoundRecord when it does not fit: written down, it would be passed over by every reader
 */
export function soundRecord(record: MigrationRecord): MigrationRecord {
  const { data, error } = recordSchema.safeParse(record);
  if (error) throw new UnsoundRecord(record, error);
  return data as MigrationRecord;
}

export const isSound = (record: MigrationRecord): boolean => recordSchema.safeParse(record).success;
