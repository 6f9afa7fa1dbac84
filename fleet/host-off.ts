import { quote } from "../ssh/quote.ts";
import type { SshSession } from "../ssh/session.ts";
import { withSession } from "../ssh/session-pool.ts";
import type { Fleet } from "./fleet.ts";

// Hosts that were switched off are noted on the storage host, beside the intent records: before the command is given, after it was seen that
// no guest runs there; until the host answers again. So are lost ones, once it is proved that they can write to no disk. One that is silent
// and noted has no guest, and its silence is no reason to stop.

type Storage = Pick<Fleet["storage"], "ssh" | "intentDirectory">;

const folderOf = ({ intentDirectory }: Storage) => `${intentDirectory}.off`;
const noteOf = (storage: Storage, host: string) => `${folderOf(storage)}/${host}`;

/** On the disk when this returns. */
export async function noteOff(
  session: SshSession,
  storage: Storage,
  host: string,
  why: "switched off" | "lost",
): Promise<void> {
  const [folder, note] = [folderOf(storage), noteOf(storage, host)].map(quote);
  await session.run(
    `noting that ${host} is switched off`,
    `umask 077; mkdir -p ${folder} && echo ${quote(why)} > ${note} && sync ${note} ${folder}`,
  );
}

/** Whether it is noted since it was lost: its guests were started elsewhere. */
export async function isNotedLost(session: SshSession, storage: Storage, host: string): Promise<boolean> {
  const { stdout } = await session.run(
    `reading why ${host} is noted as off`,
    `cat ${quote(noteOf(storage, host))} 2>/dev/null || true`,
  );
  return stdout.trim() === "lost";
}

export async function strikeOff(session: SshSession, storage: Storage, host: string): Promise<void> {
  await session.run(
    `noting that ${host} is on`,
    `rm -f ${quote(noteOf(storage, host))}; rmdir ${quote(folderOf(storage))} 2>/dev/null || true`,
  );
  asleep.delete(keyOf(storage, host));
}

/** The same for several, of which none need be noted. */
export const forgetOff = (storage: Storage, hosts: readonly string[]): Promise<void> =>
  withSession(storage.ssh, async (session) => {
    for (const host of hosts) await strikeOff(session, storage, host);
  });

/** The names of all hosts that are noted. */
export const notedOff = (storage: Storage): Promise<string[]> =>
  withSession(storage.ssh, async (session) => {
    const { stdout } = await session.run(
      "reading which hosts were switched off",
      `ls ${quote(folderOf(storage))} 2>/dev/null || true`,
    );
    return stdout.split("\n").filter(Boolean);
  });

/** What this process has seen to be off. */
const asleep = new Set<string>();
const keyOf = ({ ssh, intentDirectory }: Storage, host: string) =>
  JSON.stringify([ssh.address, ssh.port, intentDirectory, host]);

/** Spares surveys the wait for hosts that will not answer. */
export const rememberOff = (storage: Storage, hosts: readonly string[]): void => {
  for (const host of hosts) asleep.add(keyOf(storage, host));
};

export const isRememberedOff = (storage: Storage, host: string): boolean => asleep.has(keyOf(storage, host));

/** Whether a host that does not answer was switched off. Where that can't be told, it was not. */
export async function isSwitchedOff({ hosts, storage }: Fleet, host: string): Promise<boolean> {
  if (!(host in hosts)) return false;
  const noted = await notedOff(storage).catch((): string[] => []);
  if (!noted.includes(host)) return false;
  rememberOff(storage, [host]);
  return true;
}
