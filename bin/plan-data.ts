import * as z from "zod";
import type { Cluster } from "../placement/cluster.ts";

const name = z.string().min(1);
const mib = z.int().positive();
const amount = z.number().nonnegative();

const rule = { name, isFirm: z.boolean(), guests: z.array(name).min(1) };

/** A cluster as a file says it: the fields of placement/cluster.ts, and no others, so that one that is misspelt is not passed over. */
const clusterSchema = z.strictObject({
  hosts: z
    .array(
      z.strictObject({
        name,
        memoryMiB: mib,
        reserveMiB: z.int().nonnegative().optional(),
        cpus: z.number().positive().optional(),
        reserveVcpus: amount.optional(),
        busyCpus: amount.optional(),
        isDrained: z.boolean().default(false),
        idleWatts: amount.optional(),
      }),
    )
    .min(1),
  guests: z.array(
    z.strictObject({
      name,
      host: name,
      memoryMiB: mib,
      vcpus: z.int().positive().optional(),
      busyCpus: amount.optional(),
      isPinned: z.boolean().optional(),
      move: z.strictObject({ totalMs: amount, downtimeMs: amount, converges: z.boolean() }).optional(),
    }),
  ),
  rules: z
    .array(
      z.discriminatedUnion("kind", [
        z.strictObject({ ...rule, kind: z.literal("apart") }),
        z.strictObject({ ...rule, kind: z.literal("together") }),
        z.strictObject({ ...rule, kind: z.literal("on"), hosts: z.array(name).min(1) }),
      ]),
    )
    .optional(),
  spare: z.union([z.literal(0), z.literal(1)]).optional(),
});

/** No more than is needed to see what is there twice, which is said of a file with other mistakes too. */
const namedSchema = z.array(z.looseObject({ name }));

function twice(value: unknown): string[] {
  const lists = z.looseObject({}).safeParse(value).data ?? {};
  return ["hosts", "guests", "rules"].flatMap((what) => {
    const names = (namedSchema.safeParse(lists[what]).data ?? []).map((one) => one.name);
    return names.flatMap((name, index) =>
      names.indexOf(name) < index ? [`${what}[${index}].name: ${name} is there twice`] : [],
    );
  });
}

/** A cluster from the text of a file. All its mistakes are in one error. */
export function clusterFrom(text: string, file: string): Cluster {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  const parsed = clusterSchema.safeParse(value);
  const issues = parsed.error?.issues ?? [];
  const mistakes = [
    ...issues.map(({ path, message }) => `${pathText(path) || "the file"}: ${message}`),
    ...twice(value),
  ];
  if (parsed.success && mistakes.length === 0) return parsed.data;
  const lines = mistakes.map((mistake) => `\n  ${mistake}`).join("");
  throw new Error(`${file} does not say a cluster; npm run plan -- --help has an example${lines}`);
}

/** Such as `guests[3].host`. */
const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index > 0 ? "." : ""}${String(part)}`))
    .join("");
