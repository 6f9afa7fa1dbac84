import { dirname } from "node:path/posix";
import { z } from "zod";
import { migrationModes } from "../moves/modes.ts";
import { quote } from "../ssh/quote.ts";
import type { SshSession } from "../ssh/session.ts";

const intentSchema = z.object({
  schema: z.literal(1),
  guest: z.string(),
  uuid: z.uuid(),
  from: z.string(),
  to: z.string(),
  mode: z.enum(migrationModes),
  /**
   * `begun`: the guest's CPUs have not run at the destination, unless libvirt ended a pre-copy. `resuming`: they may have, so that a
   * saved memory is stale: resumed once more it would not fit the disk. `postcopy`: they may have, with a part of the memory.
   * `returning`: what arrived at the destination is not whole and is ended, so that the source's copy goes on.
   */
  phase: z.enum(["begun", "resuming", "postcopy", "returning"]),
  startedAt: z.iso.datetime(),
  /**
   * The guest's disk when its memory was saved, or its overlay copied: both are stale once it was written to. The stamps are of
   * `disk-stamp.ts`; `destination`: of the copy of an overlay that lies on the hosts.
   */
  disk: z
    .object({ paths: z.array(z.string()), source: z.string(), destination: z.string().optional() })
    .optional(),
});

/**
 * What a run is about to do, written to the storage host before anything moves and cleared when all is reconciled. A run that finds one
 * finishes or undoes what a dead run began.
 */
export type Intent = z.infer<typeof intentSchema>;

export const intentPath = (directory: string, uuid: string): string => `${directory}/${uuid}.json`;

/**
 * Absent: no move of this guest is under way. Throws when the record cannot be understood: nothing is guessed.
 *
 * @param formerPath where it is looked for, too: a run that only looks does not move it
 */
export async function readIntent(
  storage: SshSession,
  path: string,
  formerPath?: string,
): Promise<Intent | undefined> {
  const read = (path: string) => `if [ -e ${quote(path)} ]; then cat ${quote(path)}; fi`;
  const { stdout } = await storage.run(
    `reading the intent record ${path}`,
    formerPath === undefined
      ? read(path)
      : `found=$(${read(path)}) && [ -n "$found" ] && echo "$found" || { ${read(formerPath)}; }`,
  );
  return parseIntent(storage, path, stdout);
}

function parseIntent(storage: SshSession, path: string, text: string): Intent | undefined {
  if (!text.trim()) return undefined;
  try {
    return intentSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(
      `The intent record ${path} on ${storage.target.name} is not one this program wrote. Nothing was changed. ` +
        "See which copy of the guest is right, remove the file, and run again.",
      { cause },
    );
  }
}

/**
 * The shell function that prints all intent records of some folders, each as a line of its text in base64, which may be torn, and its path.
 * One that vanishes while they are read was cleared.
 */
export const intentsProgram = `
intents() {
  for folder; do
    for file in "$folder"/*.json; do
      [ -e "$file" ] || continue
      text=$(base64 -w 0 "$file") || { [ ! -e "$file" ] && continue; return 1; }
      echo "$text $file"
    done
  done
}`;

/** Reads all intent records at once. The answer is asked by a guest's uuid, and throws as `readIntent` does. */
export async function readIntents(
  storage: SshSession,
  directory: string,
  formerDirectory?: string,
): Promise<(uuid: string) => Intent | undefined> {
  const directories = [directory, ...(formerDirectory === undefined ? [] : [formerDirectory])];
  const { stdout } = await storage.run(
    `reading the intent records in ${directory}`,
    `${intentsProgram}\nintents ${directories.map(quote).join(" ")}`,
  );
  const records = new Map(
    stdout.split("\n").map((line) => {
      const [text = ""] = line.split(" ", 1);
      return [line.slice(text.length + 1), Buffer.from(text, "base64").toString()];
    }),
  );
  return (uuid) => {
    const path = directories.map((each) => intentPath(each, uuid)).find((each) => records.get(each)?.trim());
    return path === undefined ? undefined : parseIntent(storage, path, records.get(path) ?? "");
  };
}

/** Written whole or not at all, and on the disk when this returns. */
export async function writeIntent(storage: SshSession, path: string, intent: Intent): Promise<void> {
  const temporary = quote(`${path}.new`);
  await storage.run(
    `writing the intent record ${path}`,
    `mkdir -p ${quote(dirname(path))} && cat > ${temporary} && sync ${temporary} && mv ${temporary} ${quote(path)} && sync ${quote(dirname(path))}`,
    { input: `${JSON.stringify(intent)}\n` },
  );
}

export async function clearIntent(storage: SshSession, path: string): Promise<void> {
  await storage.run(`clearing the intent record ${path}`, `rm -f ${quote(path)} ${quote(`${path}.new`)}`);
}
