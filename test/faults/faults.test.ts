import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Life, startCounter, verifyDisk } from "../lab/guest-life.ts";
import { GuestUnderTest } from "../lab/guest-under-test.ts";
import { TestProject } from "../lab/project.ts";
import { LabStack } from "../lab/stack.ts";
import { cases, type FaultCase } from "./cases.ts";
import { type Fault, faults } from "./faults.ts";
import { modes, moments, options, type Struck } from "./moments.ts";
import { FaultTable, type Seen } from "./table.ts";

// A testbed in which moves of guests are struck by faults. After each, a plain `pulumi up` puts things right without hands. All the
// while the guests append checksummed records to their disks; none that was acknowledged may be lost.

const stackName = "faults";
const network = "10.77.24";
const table = new FaultTable();

let project: TestProject;
let stack: LabStack;
/** By where their redo logs lie. */
let guests: Record<FaultCase["redo"], GuestUnderTest<LabStack>>;

beforeAll(async () => {
  project = await TestProject.make();
  stack = new LabStack(
    project,
    stackName,
    {
      lab: { network: `${network}.0/24`, bridge: `lab-${stackName}` },
      hosts: [{ name: "host1" }, { name: "host2" }],
      guests: (["shared", "local"] as const).map((redo, i) => ({
        name: `vm${i + 1}`,
        memoryMiB: 384,
        diskGiB: 3,
        redo,
        workload: { type: "disk", mibPerSecond: 0.1 },
      })),
      placement: { vm1: "host1", vm2: "host1" },
    },
    {
      storage: `${network}.10`,
      host1: `${network}.11`,
      host2: `${network}.12`,
      vm1: `${network}.101`,
      vm2: `${network}.102`,
    },
  );
  guests = { shared: new GuestUnderTest(stack, "vm1"), local: new GuestUnderTest(stack, "vm2") };
  await stack.init();
  await stack.deploy();
  for (const { name } of Object.values(guests)) await startCounter(stack, name);
});

afterAll(async () => {
  await stack.destroy();
  await project.remove();
});

const kinds = (["shared", "local"] as const).flatMap((redo) => modes.map((mode) => [redo, mode] as const));
describe.each(kinds)("redo log %s, %s", (redo, mode) => {
  const ofKind = cases.filter((one) => one.redo === redo && one.mode === mode);
  test.each(ofKind.map((one) => [one.moment, faults[one.fault].name, one] as const))(
    "at its %s, %s",
    async (_moment, _name, one) => {
      await table.add(one, await survive(one));
    },
  );
});

async function survive({ redo, mode, moment, fault: name, memory }: FaultCase): Promise<Seen> {
  const fault: Fault = faults[name];
  const guest = guests[redo];
  const before = await guest.life().catch(() => beginAnew(guest));
  const recordsBefore = (await guest.records()).length;
  const from = await guest.host();
  const to = from === "host1" ? "host2" : "host1";
  const struck: Struck = { stack, guest: guest.name, from, to };
  guest.place(to, mode, options[mode]);
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
  await guest.expectOneCopyAt(to);
  await stack.reachable(guest.name);
  expect(await verifyDisk(stack, guest.name)).toMatchObject({ lost: 0, problems: [] });
  expect(await leftovers()).toEqual([]);

  const records = (await guest.records()).slice(recordsBefore);
  const kept = (await readBootId(guest.name)) === before.bootId;
  if (kept) await guest.expectLifeWentOn(before);
  else await startCounter(stack, guest.name);
  if (memory !== "either") expect(kept ? "kept" : "lost").toBe(memory);
  return {
    struckUp: exitCode === 0 ? "succeeded" : exitCode === -1 ? "was killed" : "failed",
    outcomes: records.map(({ outcome }) => outcome),
    memory: kept ? "kept" : "lost",
  };
}

const readBootId = (guest: string) => stack.inGuest(guest, "cat /proc/sys/kernel/random/boot_id");

/** After a case that failed, or a host that was stopped with both guests: puts the machines in order, and the guest where it is. */
async function beginAnew(guest: GuestUnderTest<LabStack>): Promise<Life> {
  const struck: Struck = { stack, guest: guest.name, from: "host1", to: "host2" };
  for (const { mend } of Object.values(faults) as Fault[]) await mend?.(struck).catch(() => {});
  await stack.deploy();
  await stack.reachable(guest.name);
  await startCounter(stack, guest.name);
  return guest.life();
}

/** Shapes the way to the destination, so that the copy of a state file can be met. */
const slowDown = ({ stack, from }: Struck, slow: boolean) =>
  stack.on(
    from,
    slow
      ? "tc qdisc replace dev br0 root tbf rate 160mbit burst 1mbit latency 100ms"
      : "tc qdisc del dev br0 root 2>/dev/null || true",
  );

/** What moves leave on hosts that should not be there: QEMUs or files without their guest, tunnels, listeners, processes of a dead run. */
async function leftovers(): Promise<string[]> {
  const look = [
    "ss -Hltn | awk '{ print $4 }' | grep -E ':(49[12][0-9]{2})$' | sed 's/^/listening /'",
    "pgrep -a scp | sed 's/^/process /'",
    "pgrep -af 'virsh (event|qemu-monitor-event|migrate)' | grep -v pgrep | sed 's/^/process /'",
    `[ "$(pgrep -c qemu-system)" -eq "$(virsh -q list --name | grep -c .)" ] || pgrep -a qemu-system | cut -c 1-80`,
    `for disk in $(ls /var/lib/kvm-migration-testbed/disks 2>/dev/null); do virsh -q list --name | grep -qx "\${disk%%-*}" || echo "unused $disk"; done`,
  ].join("; ");
  const found = await Promise.all(
    ["host1", "host2"].map(async (host) =>
      (await stack.on(host, `${look}; true`)).split("\n").filter(Boolean),
    ),
  );
  return found.flat();
}
