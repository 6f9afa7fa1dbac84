import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { removeTokens, tokenPrefix } from "../../fleet/tokens.ts";
import { quote } from "../../ssh/quote.ts";
import type { Endpoint, Moving } from "../context/moving.ts";
import { type DiskFolder, isInGrace, type TokenProof } from "./image.ts";
import type { PortProof } from "./port.ts";

/** A host that works answers many times over within this; a mount whose server is gone would wait for ever. */
const patienceSeconds = 20;

/** A server that was just started lets nobody open a file for a while (RFC 8881, section 8.4.2): for 90 s, Linux's. */
const graceMs = 100_000;
const askAgainMs = 1_000;

/**
 * Writes and reads a small file, through the mount or, where only QEMU gets to the server, by QEMU's own NFS client, which knows no files
 * smaller than a sector. `call` tells whether a TCP port answers. The kernel's client waits where QEMU's is told to come again: `put` says
 * the same of both, of the kernel's if the server answers.
 */
export const proofProgram = `
export LC_ALL=C
put() {
  if [ -z "$1" ]; then
    timeout -s KILL ${patienceSeconds} sh -c 'rm -f "$1"; set -C; printf %s "$2" > "$1"' sh "$2" "$3" && echo written && return
    [ $? = 137 ] || return
    server=$(timeout 5 findmnt -n -o SOURCE -T "\${2%/*}") && call "\${server%:/*}" 2049 >/dev/null &&
      echo "Resource temporarily unavailable for ${patienceSeconds} s" >&2
    return 137
  fi
  sector=$(mktemp) && printf '%-512s' "$3" > "$sector"
  timeout -s KILL ${patienceSeconds} qemu-img convert -q -f raw -O raw "$sector" "nfs://$1$2" && echo written
  rm -f "$sector"
}
get() {
  if [ -z "$1" ]; then timeout -s KILL ${patienceSeconds} cat "$2" && echo; return; fi
  sector=$(mktemp)
  timeout -s KILL ${patienceSeconds} qemu-img convert -q -f raw -O raw "nfs://$1$2" "$sector" && tr -d ' ' < "$sector" && echo
  rm -f "$sector"
}
call() { timeout 5 bash -c ': 3<> "/dev/tcp/$0/$1"' "$1" "$2" && echo through; }
`;

/** The move that a proof is for. */
export type Proving = Pick<
  Moving,
  "guest" | "uuid" | "source" | "destination" | "storage" | "cancelled" | "tell"
>;

/**
 * Proves what only trying can tell: that a file written through the source is read through the destination, beside the guest's disks, and
 * that a call from the source reaches the destination's port. The name of each file is a new one: the destination may remember for a
 * while that an old name was not there.
 *
 * @param port where the destination waits for a call; absent: no call is made
 */
export async function prove(
  proving: Proving,
  folders: readonly DiskFolder[],
  port: number | undefined,
): Promise<{ tokens: TokenProof[]; call: PortProof }> {
  const { uuid, source, destination, storage } = proving;
  const tokens = folders.map((folder) => {
    const text = randomBytes(16).toString("hex");
    return { folder, text, path: `${tokenPrefix(folder.path, uuid)}${text.slice(0, 8)}` };
  });
  try {
    const [written, called] = await Promise.all([
      Promise.all(tokens.map(({ folder, path, text }) => write(proving, [folder.server, path, text]))),
      port === undefined
        ? undefined
        : attempt(
            source,
            `calling port ${port} of ${destination.name}`,
            `call ${quote(destination.host.peerAddress)} ${port}`,
          ),
    ]);
    const read = await Promise.all(
      tokens.map(({ folder, path }, index) =>
        written[index]?.error === undefined
          ? attempt(
              destination,
              "reading the token beside the guest's disk",
              `get ${quote(folder.server)} ${quote(path)}`,
            )
          : undefined,
      ),
    );
    return {
      tokens: tokens.map(({ folder, text }, index) => tokenProof(folder, text, written[index], read[index])),
      call: { ...(port !== undefined && { port }), ...(called?.error && { error: called.error }) },
    };
  } finally {
    await removeTokens(
      storage,
      uuid,
      folders.map(({ path }) => path),
    );
  }
}

/** Waits for a server that lets nobody write yet. */
async function write(
  { source, guest, cancelled, tell }: Proving,
  words: readonly string[],
): Promise<Attempt> {
  const deadlineMs = performance.now() + graceMs;
  for (let isTold = false; ; isTold = true) {
    const doing = "writing a token beside the guest's disk";
    const said = await attempt(source, doing, `put ${words.map(quote).join(" ")}`);
    if (!isInGrace(said.error) || cancelled.aborted || performance.now() > deadlineMs) return said;
    if (!isTold) {
      tell(
        `${guest}: the NFS server lets nobody write yet, as after its start; waiting up to ${graceMs / 1000} s`,
      );
    }
    await sleep(askAgainMs);
  }
}

interface Attempt {
  answer: string;
  error?: string;
}

async function attempt({ session }: Endpoint, doing: string, words: string): Promise<Attempt> {
  const { exitCode, stdout, stderr } = await session.run(doing, `${proofProgram}\n${words}`, {
    allowFailure: true,
  });
  if (stdout !== "") return { answer: stdout };
  const said = stderr.trim().split("\n").at(-1);
  // After a kill, the only other text is the shell's "Killed".
  if (exitCode === 137 && !isInGrace(said)) return { answer: "", error: "no answer" };
  return { answer: "", error: said || `exit code ${exitCode}` };
}

function tokenProof(folder: DiskFolder, written: string, put?: Attempt, got?: Attempt): TokenProof {
  if (put?.error !== undefined) return { folder, written, writeError: put.error };
  if (got?.error !== undefined) return { folder, written, readError: got.error };
  return { folder, written, read: got?.answer ?? "" };
}
