import { createHash } from "node:crypto";
import { dirname } from "node:path/posix";
import * as z from "zod";
import { quote } from "../ssh/quote.ts";
import { withSession } from "../ssh/session-pool.ts";
import type { Fleet } from "./fleet.ts";

// Which hosts there are is said once, on a page on the storage host, beside the intent records; what belongs to a guest names the page. So
// what is kept of a guest does not grow with the number of hosts. A page is named after what is on it and never changes.

/** A fleet as it is kept with each guest: all hosts of all of its pages. */
export type FleetReference = Pick<Fleet, "storage" | "without"> & Required<Pick<Fleet, "pages">>;

const pageSchema = z.record(
  z.string(),
  z.object({
    ssh: z.looseObject({ name: z.string(), address: z.string(), port: z.number(), user: z.string() }),
    peerAddress: z.string(),
  }),
);

/** The name of the page that says these hosts. */
export function fleetPageOf(hosts: Fleet["hosts"]): string {
  return createHash("sha256")
    .update(JSON.stringify(inOrder(hosts)))
    .digest("hex")
    .slice(0, 16);
}

/** On the way through Pulumi's engine the order of what is in an object changes. */
const inOrder = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([one], [other]) => (one < other ? -1 : 1))
          .map(([key, of]) => [key, inOrder(of)]),
      )
    : value;

/** Beside the folder of the intent records, in which nothing is but what a move has not ended. */
const folderOf = ({ intentDirectory }: Fleet["storage"]) => `${intentDirectory}.fleets`;

/** What this process knows, by storage host and page. */
const known = new Map<string, Fleet["hosts"]>();
const keyOf = ({ ssh, intentDirectory }: Fleet["storage"], page: string) =>
  JSON.stringify([ssh.address, ssh.port, intentDirectory, page]);

/** Spares a look at the storage host for a fleet that was told whole. */
export const rememberPage = ({ hosts, storage }: Fleet): void => {
  known.set(keyOf(storage, fleetPageOf(hosts)), hosts);
};

/** Written whole or not at all, and on the disk when this returns. */
export async function writePage({ hosts, storage }: Fleet): Promise<void> {
  const [folder, page] = [quote(folderOf(storage)), quote(`${folderOf(storage)}/${fleetPageOf(hosts)}`)];
  await withSession(storage.ssh, (session) =>
    session.run(
      "writing down which hosts there are",
      `umask 077; mkdir -p ${folder} && cat > ${page}.$$ && sync ${page}.$$ && mv ${page}.$$ ${page} && sync ${folder}`,
      { input: `${JSON.stringify(hosts)}\n` },
    ),
  );
}

export const hasPage = async ({ hosts, storage }: Fleet): Promise<boolean> => {
  const page = `${folderOf(storage)}/${fleetPageOf(hosts)}`;
  const { stdout } = await withSession(storage.ssh, (session) =>
    session.run(
      "seeing whether it is written down which hosts there are",
      `[ ! -e ${quote(page)} ] || echo yes`,
    ),
  );
  return stdout.trim() === "yes";
};

/** For when no guest is left that could name one. */
export const removePages = (storage: Fleet["storage"]): Promise<unknown> =>
  withSession(storage.ssh, (session) =>
    session.run(
      "forgetting which hosts there were",
      `rm -rf ${quote(folderOf(storage))}; rmdir ${quote(dirname(folderOf(storage)))} 2>/dev/null || true`,
    ),
  );

/**
 * The fleet that a reference names; one that is told whole already, as versions before this one kept it, is returned as it is.
 *
 * @throws when a page is not there any more: a host that is not looked at could run the guest
 */
export async function fleetOf(reference: Fleet | FleetReference): Promise<Fleet> {
  if ("hosts" in reference) return reference;
  const { storage, pages, without } = reference;
  const hosts = Object.assign({}, ...(await Promise.all(pages.map((page) => readPage(storage, page)))));
  for (const name of without ?? []) delete hosts[name];
  return { hosts, ...reference };
}

async function readPage(storage: Fleet["storage"], page: string): Promise<Fleet["hosts"]> {
  const key = keyOf(storage, page);
  const hosts = known.get(key) ?? (await askForPage(storage, page));
  known.set(key, hosts);
  return hosts;
}

async function askForPage(storage: Fleet["storage"], page: string): Promise<Fleet["hosts"]> {
  const path = `${folderOf(storage)}/${page}`;
  const { stdout } = await withSession(storage.ssh, (session) =>
    session.run("reading which hosts there are", `[ ! -e ${quote(path)} ] || cat ${quote(path)}`),
  );
  try {
    return pageSchema.parse(JSON.parse(stdout)) as Fleet["hosts"];
  } catch (cause) {
    throw new Error(
      `Which hosts there are stood in ${path} on ${storage.ssh.name}, and ${stdout.trim() === "" ? "that file is gone" : "what is there now was not written by this program"}. ` +
        "Nothing was changed. `pulumi up` without --target writes it again; run that first",
      { cause },
    );
  }
}
