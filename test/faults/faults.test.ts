import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Life, startCounter, verifyDisk } from "../lab/guest-life.ts";
import { GuestUnderTest } from "../lab/guest-under-test.ts";
import { TestProject } from "../lab/project.ts";
import { LabStack } from "../lab/stack.ts";
import { cases, type FaultCase } from "./cases.ts";
import { type Fault, faults } from "./faults.ts";
import { modes, moments, options, type Struck } from "./moments.ts";
import { FaultTable, type Seen } from "./table.ts";

// A testbed in which moves of a guest are struck by faults. After each, a plain `pulumi up` puts things right without hands. All the
// while the guest appends checksummed records to its disk; none that was acknowledged may be lost.

const stackName = "faults";
const network = "10.77.24";
const table = new FaultTable();

let project: TestProject;
let stack: LabStack;
let vm1: GuestUnderTest<LabStack>;

beforeAll(async () => {
  project = await TestProject.make();
  stack = new LabStack(
    project,
    stackName,
    {
      lab: { network: `${network}.0/24`, bridge: `lab-${stackName}` },
      hosts: [{ name: "host1" }, { name: "host2" }],
      guests: [{ name: "vm1", memoryMiB: 384, diskGiB: 3, workload: { type: "disk", mibPerSecond: 0.1 } }],
      placement: { vm1: "host1" },
    },
    {
      storage: `${network}.10`,
      host1: `${network}.11`,
      host2: `${network}.12`,
      vm1: `${network}.101`,
    },
  );
  vm1 = new GuestUnderTest(stack, "vm1");
  await stack.init();
  await stack.deploy();
  await startCounter(stack, "vm1");
});

afterAll(async () => {
  await table.write();
  await stack.destroy();
  await project.remove();
});

describe.each(modes)("%s", (mode) => {
  const ofMode = cases.filter((one) => one.mode === mode);
  test.each(ofMode.map((one) => [one.moment, faults[one.fault].name, one] as const))(
    "at its %s, %s",
    async (_moment, _name, one) => {
      const seen = await survive(one);
      table.add(one, seen);
    },
  );
});

async function survive({ mode, moment, fault: name, memory }: FaultCase): Promise<Seen> {
  const fault: Fault = faults[name];
  const before = await vm1.life().catch(beginAnew);
  const recordsBefore = (await vm1.records()).length;
  const from = await vm1.host();
  const to = from === "host1" ? "host2" : "host1";
  const struck: Struck = { stack, from, to };
  vm1.place(to, mode, options[mode]);
  if (mode === "offline") await slowDown(struck, true);
  const { exitCode } = await stack
    .strikeUp(
      () => moments[mode][moment](struck),
      async (cli) => {
        await fault.strike(struck, cli);
        if (mode === "offline") await slowDown(struck, false).catch(() => {}); // a host that was stopped has forgotten it
      },
    )
    .finally(() => fault.mend?.(struck));

  await stack.deploy();
  await vm1.expectOneCopyAt(to);
  await stack.reachable("vm1");
  expect(await verifyDisk(stack, "vm1")).toMatchObject({ lost: 0, problems: [] });
  expect(await leftovers()).toEqual([]);

  const records = (await vm1.records()).slice(recordsBefore);
  const kept = (await readBootId()) === before.bootId;
  if (kept) await vm1.expectLifeWentOn(before);
  else await startCounter(stack, "vm1");
  if (memory !== "either") expect(kept ? "kept" : "lost").toBe(memory);
  return {
    struckUp: exitCode === 0 ? "succeeded" : exitCode === -1 ? "was killed" : "failed",
    outcomes: records.map(({ outcome }) => outcome),
    memory: kept ? "kept" : "lost",
  };
}

const readBootId = () => stack.inGuest("vm1", "cat /proc/sys/kernel/random/boot_id");

/** After a case that failed: puts the machines in order, and the guest where it is. */
async function beginAnew(): Promise<Life> {
  const struck: Struck = { stack, from: "host1", to: "host2" };
  for (const { mend } of Object.values(faults) as Fault[]) await mend?.(struck).catch(() => {});
  await stack.deploy();
  await stack.reachable("vm1");
  await startCounter(stack, "vm1");
  return vm1.life();
}

/** Shapes the way to the destination, so that the copy of a state file can be met. */
const slowDown = ({ stack, from }: Struck, slow: boolean) =>
  stack.on(
    from,
    slow
      ? "tc qdisc replace dev br0 root tbf rate 160mbit burst 1mbit latency 100ms"
      : "tc qdisc del dev br0 root 2>/dev/null || true",
  );

/** What moves leave on hosts that should not be there: QEMUs without a guest, tunnels, listeners, processes of a dead run. */
async function leftovers(): Promise<string[]> {
  const look = [
    "ss -Hltn | awk '{ print $4 }' | grep -E ':(49[12][0-9]{2})$' | sed 's/^/listening /'",
    "pgrep -a scp | sed 's/^/process /'",
    "pgrep -af 'virsh (event|qemu-monitor-event|migrate)' | grep -v pgrep | sed 's/^/process /'",
    '[ "$(pgrep -c qemu-system)" -le 1 ] || pgrep -a qemu-system | cut -c 1-80',
  ].join("; ");
  const found = await Promise.all(
    ["host1", "host2"].map(async (host) =>
      (await stack.on(host, `${look}; true`)).split("\n").filter(Boolean),
    ),
  );
  return found.flat();
}
