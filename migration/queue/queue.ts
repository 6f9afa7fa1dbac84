import { aborted } from "../../fleet/aborted.ts";
import { lease } from "../../fleet/lease.ts";
import type { Tell } from "../../fleet/tell.ts";
import { boots } from "../../moves/modes.ts";
import { defaultConcurrentPerHost } from "../../moves/options.ts";
import { quote } from "../../ssh/quote.ts";
import type { SshSession } from "../../ssh/session.ts";
import type { MigrationRequest } from "../context/migration-request.ts";
import { type QueueEntry, waitsFor } from "./admission.ts";
import { QueueView } from "./view.ts";

/** A guest that is to move, as it stands in the queue. */
export function queued(
  { guest, uuid, to, options, conditions: { memoryMiB }, concurrentPerHost, turn }: MigrationRequest,
  from: string,
): Omit<QueueEntry, "moving"> {
  return {
    guest,
    uuid,
    from,
    to,
    memoryMiB,
    // A guest that is shut down and booted sends nothing.
    sizeMiB: boots(options.mode) ? 0 : memoryMiB,
    perHost: concurrentPerHost ?? defaultConcurrentPerHost,
    ...(turn !== undefined && { turn }),
    ...(options.port !== undefined && { port: options.port }),
  };
}

/** Within this the storage host says how the queue looks. */
const patienceSeconds = 30;

/** What has its turn. */
export interface QueueTurn {
  waitedMs: number;
  /** All that move or wait, in the order in which they got there, as last seen. */
  entries: () => readonly QueueEntry[];
}

/**
 * The queue is on the storage host, since other processes' runs are in it too: a file for each guest, locked while the connection of the
 * run that wants to move it lives. An unlocked file is a dead run's, and is removed. Only the holder of the lock on the folder above
 * changes the queue or looks at it.
 *
 * join FOLDER UUID WAITING MOVING: stands in the queue and tells how it looks, until it is killed; a guest that is alone waits for nothing.
 * take FOLDER UUID MOVING: has its turn, if the queue still looks as it is said on standard input; otherwise it is told how it looks now.
 */
export const queueProgram = `
entries() {
  local each line
  for each in $(ls -tr "$1"); do
    [ -f "$1/$each" ] || continue
    if flock -n "$1/$each" true; then rm -f "$1/$each"; continue; fi
    line= && IFS= read -r line 2>/dev/null < "$1/$each"
    case $line in ''|--) ;; *) printf '%s\\n' "\${line:0:4096}" ;; esac
  done
}
fail() {
  echo "! $*"
  exit 1
}
leave() {
  flock 8
  rm -f "$own"
  rmdir "$queue" 2>/dev/null
  exit
}
join() {
  exec 2>&1
  mkdir -p "$1" && exec 8< "$1" || exit
  flock -w ${patienceSeconds - 10} 8 || fail "others keep $1 locked"
  mkdir -p "$1/queue" || exit
  queue=$1/queue own=$1/queue/$2 entry=$4 said=none
  [ -z "$(entries "$queue")" ] || entry=$3
  exec 9<> "$own" && flock -w 5 9 || fail "$own cannot be locked"
  trap leave TERM
  printf '%s\\n' "$entry" > "$own" || { rm -f "$own"; fail "no room for $own? $(df -h "$own" 2>/dev/null | tail -n 1)"; }
  while :; do
    now=$(entries "$queue")
    flock -u 8
    if [ "$now" != "$said" ]; then
      printf '%s\\n--\\n' "$now"
      said=$now
    fi
    # Who waits wants to know soon; who moves is not to be disturbed.
    if [ "$(cat "$own")" = "$4" ]; then sleep 1; else sleep 0.2; fi
    flock 8
    [ "$own" -ef /dev/fd/9 ] || fail "$own was removed"
  done
}
take() {
  exec 8< "$1" && flock 8 || exit
  now=$(entries "$1/queue")
  if [ "$now" = "$(cat)" ]; then printf '%s\\n' "$3" 1<> "$1/queue/$2" && echo taken; else printf 'changed\\n%s\\n' "$now"; fi
}
`;

/** Runs `use` when it is the guest's turn; meanwhile no other guest has its place. If cancelled before, it throws why. */
export async function withTurn<T>(
  storage: SshSession,
  directory: string,
  wanted: Omit<QueueEntry, "moving">,
  tell: Tell,
  cancelled: AbortSignal,
  use: (turn: QueueTurn) => Promise<T>,
): Promise<T> {
  const { guest, uuid } = wanted;
  const startedMs = performance.now();
  const words = [directory, uuid].map(quote).join(" ");
  const [waiting, moving] = [false, true].map((moving) => JSON.stringify({ ...wanted, moving }));
  const view = new QueueView();
  const holder = lease(
    storage,
    `${queueProgram}\njoin ${words} ${quote(waiting as string)} ${quote(moving as string)}`,
    (line) => view.read(line),
  );
  const lost = holder.ended.then(() => {
    const why =
      view.said === "" ? "" : `: ${view.said}. See that ${directory} there can be written to, and has room`;
    throw new Error(
      `Guest ${guest} lost its place among those that are to move: the connection to ${storage.target.name} ended. Nothing was changed; run again.${why && ` The last it said${why}.`}`,
    );
  });
  lost.catch(() => {}); // once it moves, losing its place must not end the move
  const isCancelled = aborted(cancelled);
  const { promise: silence, reject } = Promise.withResolvers<never>();
  silence.catch(() => {});
  const timer = setTimeout(() => {
    reject(
      new Error(
        `Guest ${guest} could not stand among those that are to move: ${storage.target.name} did not say within ${patienceSeconds} s how ${directory} looks. ` +
          "Nothing was changed. See that its disk answers, and run again.",
      ),
    );
  }, patienceSeconds * 1_000);
  let told = "";
  try {
    for (let seen = 0; ; ) {
      await Promise.race([isCancelled, lost, ...(seen === 0 ? [silence] : []), view.newerThan(seen)]);
      seen = view.version;
      const { entries, text } = view;
      const waitedMs = told === "" ? 0 : performance.now() - startedMs;
      if (entries.find((entry) => entry.uuid === uuid)?.moving) {
        return await use({ waitedMs, entries: () => view.entries });
      }
      const others = waitsFor(uuid, entries);
      if (others.length > 0) {
        const names = others.map((other) => other.guest).join(" and ");
        const line = `${guest}: waits for ${names} (a host takes part in ${wanted.perHost} at a time)`;
        if (line !== told) tell(line);
        told = line;
        continue;
      }
      const { stdout } = await storage.run(
        `taking the turn of guest ${guest}`,
        `${queueProgram}\ntake ${words} ${quote(moving as string)}`,
        { input: text },
      );
      if (stdout !== "taken") {
        view.show(stdout.replace(/^changed\n/, ""));
        continue;
      }
      // The latest of those that move: as the queue will show it, too.
      const granted = [...entries.filter((entry) => entry.uuid !== uuid), { ...wanted, moving: true }];
      return await use({ waitedMs, entries: () => (view.version > seen ? view.entries : granted) });
    }
  } finally {
    clearTimeout(timer);
    await holder.stop();
  }
}
