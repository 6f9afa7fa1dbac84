import { verifyWorkloadCommand } from "../../guests/workload.ts";
import type { TestStack } from "./stack.ts";

/** What tells, inside a guest, whether it went on living: a restart, or memory from an earlier moment, shows here. */
export interface Life {
  bootId: string;
  uptimeS: number;
  /** The counter's process, and how far it has counted. */
  pid: number;
  count: number;
}

const log = "/var/tmp/counter.log";

/** Counts in its memory, and writes each number to the disk: memory that falls behind the disk would write one twice. */
const counter = `
import os, time
n = 0
with open("${log}", "w", buffering=1) as log:
    print(os.getpid(), file=log)
    while True:
        n += 1
        print(n, file=log)
        time.sleep(0.1)
`;

export async function startCounter(stack: TestStack, guest: string): Promise<void> {
  // Two of them would write to one file, each where it is.
  const former = `"$(head -n 1 ${log} 2>/dev/null || echo 0)"`;
  const end = `! ps -o args= -p ${former} | grep -q '^python3 -c' || kill ${former}`;
  const start = `setsid -f python3 -c '${counter}' </dev/null >/dev/null 2>&1`;
  await stack.inGuest(guest, `${end}; ${start}; until [ "$(wc -l <${log})" -gt 1 ]; do sleep 0.1; done`);
}

export async function lifeOf(stack: TestStack, guest: string): Promise<Life> {
  const printed = await stack.inGuest(
    guest,
    `cat /proc/sys/kernel/random/boot_id; cut -d ' ' -f 1 /proc/uptime; ps -o pid= -p "$(head -n 1 ${log})"; tail -n 1 ${log}`,
  );
  const [bootId = "", ...numbers] = printed.split("\n");
  const [uptimeS = Number.NaN, pid = Number.NaN, count = Number.NaN] = numbers.map(Number);
  if (![uptimeS, pid, count].every((n) => n > 0))
    throw new Error(`${guest} has no counter that runs: ${JSON.stringify(printed)}`);
  return { bootId, uptimeS, pid, count };
}

/** The numbers that the counter wrote twice or left out. */
export async function counterFaults(stack: TestStack, guest: string): Promise<string> {
  return stack.inGuest(guest, `awk 'NR > 1 && $1 != NR - 1 { print NR ": " $1 }' ${log}`);
}

/** What became of the acknowledged writes of the guest's disk workload. */
export interface DiskReport {
  acknowledged: number;
  /** So old that they are no longer kept. */
  outdated: number;
  checked: number;
  lost: number;
  problems: string[];
}

/** Reads back, inside the guest, every record that its disk workload was told is on the disk. */
export async function verifyDisk(stack: TestStack, guest: string): Promise<DiskReport> {
  // From the disk, not from what the guest remembers of it.
  const fresh = "echo 1 | sudo tee /proc/sys/vm/drop_caches >/dev/null";
  return JSON.parse(await stack.inGuest(guest, `${fresh}; sudo ${verifyWorkloadCommand} || true`));
}
