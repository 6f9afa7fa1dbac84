import { SshSession } from "./session.ts";
import type { SshTarget } from "./target.ts";

/** How long an unused connection is kept: in a long `pulumi up`, hosts are looked at again every five seconds (fleet/shared-view.ts). */
const idleMs = 6_000;

interface Entry {
  readonly opening: Promise<SshSession>;
  opened?: SshSession;
  users: number;
  idle?: NodeJS.Timeout;
}

const pool = new Map<string, Entry>();

function lease(target: SshTarget): Entry {
  const key = JSON.stringify(target);
  let entry = pool.get(key);
  if (!entry || (entry.opened && !entry.opened.alive)) {
    const opening = SshSession.open(target);
    const fresh: Entry = { opening, users: 0 };
    opening.then(
      (session) => {
        fresh.opened = session;
      },
      () => forget(key, fresh),
    );
    pool.set(key, fresh);
    entry = fresh;
  }
  clearTimeout(entry.idle);
  entry.users++;
  return entry;
}

function release(target: SshTarget, entry: Entry): void {
  if (--entry.users > 0) return;
  entry.idle = setTimeout(() => {
    forget(JSON.stringify(target), entry);
    void entry.opened?.close();
  }, idleMs);
}

function forget(key: string, entry: Entry): void {
  if (pool.get(key) === entry) pool.delete(key);
}

/**
 * Runs `use` with a connection to each host, by the host's name; connections are shared within this process. All are opened
 * first: one host that does not answer stops everything. Throws HostUnreachable.
 */
export async function withSessions<T>(
  targets: readonly SshTarget[],
  use: (sessions: ReadonlyMap<string, SshSession>) => Promise<T>,
): Promise<T> {
  const leases = targets.map((target) => ({ target, entry: lease(target) }));
  try {
    const outcomes = await Promise.allSettled(leases.map(({ entry }) => entry.opening));
    const sessions = new Map<string, SshSession>();
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") throw outcome.reason;
      sessions.set(outcome.value.target.name, outcome.value);
    }
    return await use(sessions);
  } finally {
    for (const { target, entry } of leases) release(target, entry);
  }
}

/** Begins to open connections that will be asked for soon. Whoever asks for one waits for it then, and is told if it can't be opened. */
export function openAhead(targets: readonly SshTarget[]): void {
  for (const target of targets) {
    const entry = lease(target);
    const done = () => release(target, entry);
    entry.opening.then(done, done);
  }
}

/** `withSessions` with one host. */
export const withSession = <T>(target: SshTarget, use: (session: SshSession) => Promise<T>): Promise<T> =>
  withSessions([target], (sessions) => use(sessions.get(target.name) as SshSession));

/** Closes all connections, so that a short-lived program ends at once. */
export async function closeSessions(): Promise<void> {
  const entries = [...pool.values()];
  pool.clear();
  await Promise.allSettled(
    entries.map(async (entry) => {
      clearTimeout(entry.idle);
      await (await entry.opening).close();
    }),
  );
}
