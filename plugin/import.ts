import { readFile } from "node:fs/promises";
import * as yaml from "yaml";
import { type ImportedDomain, type ImportFleet, importGuest } from "../provider/import-domain.ts";
import { failuresOf } from "./check.ts";
import { fleet as fleetSchema } from "./inputs.ts";

const form =
  "<file>#<guest>, such as fleet.yaml#vm1: a YAML file that says what a Domain's fleet is, and the guest's name or UUID";

/**
 * Reads the guest that an import names.
 *
 * @param id `<file>#<guest>`; the file's path is seen from the program's folder
 */
export async function importDomain(id: string): Promise<ImportedDomain> {
  const [, file, guest] = /^(.+)#([^#]+)$/.exec(id) ?? [];
  if (!file || !guest) throw new Error(`${id} can't be imported: it is not ${form}. Nothing was changed`);
  return importGuest(guest, await readFleet(file));
}

async function readFleet(file: string): Promise<ImportFleet> {
  let said: unknown;
  try {
    said = yaml.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new Error(
      `${file}, which is to say which hosts and storage host there are, can't be read (${(cause as Error).message}). Nothing was changed. An import's ID is ${form}`,
      { cause },
    );
  }
  const failures = failuresOf(fleetSchema, said);
  if (failures.length > 0)
    throw new Error(
      `${file} does not say what a Domain's fleet is; nothing was changed:\n${failures.map(({ property, reason }) => `  ${property}: ${reason}`).join("\n")}`,
    );
  return said as ImportFleet;
}
