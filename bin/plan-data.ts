import * as z from "zod";
import { type Cluster, clusterSchema } from "../placement/terms/cluster.ts";

/** No more than is needed to see what is there twice, which is said of a file with other mistakes too. */
const namedSchema = z.array(z.looseObject({ name: z.string().min(1) }));

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
