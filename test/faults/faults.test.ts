import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Life, startCounter, verifyDisk } from "../lab/guest-life.ts";
import { GuestUnderTest } from "../lab/guest-under-test.ts";
import { TestProject } from "../lab/project.ts";
import { LabStack } from "../lab/stack.ts";
import { bystander } from "./by-hand.ts";
import { cases, type FaultCase, modeAndWay } from "./cases.ts";
import type { Fault } from "./fault.ts";
import { faults } from "./faults.ts";
import { moments, options, type Struck, ways } from "./moments.ts";
import { select } from "./selection.ts";
import { intents } from "./storage-faults.ts";
import { FaultTable, moves, type Seen, thisProgram } from "./table.ts";

// A testbed in which moves of guests are struck by faults. After each, a plain `pulumi up` puts things right without hands. All the
// while the guests append checksummed records to their disks; none that was acknowledged may be lost.

// docs/faults.md says how it is run in parts.
const { FAULTS_ONLY: only, FAULTS_PART: part, FAULTS_SEEN: seenFile } = process.env;
const table = await FaultTable.open(moves, seenFile, await thisProgram());
const selected = select(cases, { only, part, seen: table.names });

// Parts may be run side by side, each in a lab of its own.
const number = Number(part?.split("/")[0] ?? 0);
const stackName = number === 0 ? "faults" : `faults-${number}`;
const network = `10.77.${number === 0 ? 24 : 30 + number}`;
const hosts = ["host1", "host2", bystander];

let project: TestProject;
let stack: LabStack;
/** The guests, by where their overlays lie. */
const nameOf = { shared: "vm1", local: "vm2" } as const;
const overlays = [...new Set(selected.map(({ overlay }) => overlay))];

beforeAll(async () => {
  if (selected.length === 0) return;
  project = await TestProject.make();
  stack = new LabStack(project, stackName, {
    lab: { network: `${network}.0/24`, bridge: `lab-${stackName}` },
    hosts: hosts.map((name) => ({ name })),
    // Each takes its part of the machine, whether something happens to it or not.
    guests: overlays.map((overlay) => ({
      name: nameOf[overlay],
      memoryMiB: 384,
      diskGiB: 3,
      redo: overlay,
      workload: { type: "disk", mibPerSecond: 0.1 },
    })),
    placement: Object.fromEntries(overlays.map((overlay) => [nameOf[overlay], "host1"])),
  });
  await stack.init();
  await stack.deploy();
  for (const overlay of overlays) await startCounter(stack, nameOf[overlay]);
});

afterAll(async () => {
  if (selected.length === 0) return;
  await stack.destroy();
  await project.remove();
});

test.skipIf(selected.length > 0)("all selected cases were seen before", () => {});
describe.each(
  Object.entries(Object.groupBy(selected, (one) => `overlay ${one.overlay}, ${modeAndWay(one)}`)),
)("%s", (_kind, ofKind = []) => {
  test.each(ofKind.map((one) => [one.moment, faults[one.fault].name, one] as const))(
    "at its %s, %s",
    async (_moment, _name, one) => {
      const seen = await survive(one).catch(async (error: unknown) => {
        await table.addFailure(one, error);
        // Its disk may be spoilt, which the next case is not to answer for.
        if ("byHand" in faults[one.fault]) await makeAnew(nameOf[one.overlay]);
        throw error;
      });
      await table.add(one, seen);
    },
  );
});

async function survive(one: FaultCase): Promise<Seen> {
  const { overlay, mode, way, memory } = one;
  const fault: Fault = faults[one.fault];
  const guest = new GuestUnderTest(stack, nameOf[overlay]);
  // What a case that failed left may be two of it, or none.
  const isWell = async () => expect(await guest.host()).not.toBe("nowhere");
  let before = await isWell()
    .then(() => guest.life())
    .catch(() => beginAnew(guest));
  const from = await guest.host();
  const to = from === "host1" ? "host2" : "host1";
  const struck: Struck = { stack, guest: guest.name, from, to };
  // Certificates that are to be wrong have to be there.
  if (way.includes("tls") && !(await hasCertificates(from))) {
    place(guest, from, one);
    await stack.deploy();
  }
  const recordsBefore = (await guest.records()).length;
  place(guest, to, one);
  if (mode === "offline") await slowDown(struck, true);
  if (mode === "hybrid") await keepWriting(guest.name);
  const { exitCode } = await strike(one, struck).finally(() => fault.fix?.(struck));
  if (fault.byHand) {
    await fault.byHand(struck);
    // Its life since then is what is to be kept, if it was left to run.
    if (memory === "kept") await stack.reachable(guest.name);
    else before = { ...before, bootId: await readBootId(guest.name).catch(() => before.bootId) };
  }

  const isEndedByHand = await putRight(fault, struck);
  await guest.expectOneCopyAt(to);
  await stack.reachable(guest.name);
  if (mode === "hybrid") await stack.inGuest(guest.name, `sudo systemctl stop ${writing} || true`);
  expect(await verifyDisk(stack, guest.name)).toMatchObject({ lost: 0, problems: [] });
  expect(await leftovers()).toEqual([]);

  const records = (await guest.records()).slice(recordsBefore);
  const kept = (await readBootId(guest.name)) === before.bootId;
  const wentOn = kept && !(fault.byHand && memory === "ended");
  if (wentOn) await guest.expectLifeWentOn(before);
  if (fault.byHand) await expectCleanFileSystem(guest.name);
  if (fault.byHand || !wentOn) await startCounter(stack, guest.name);
  const errors = records.map(({ error }) => error ?? "");
  if (memory === "ended") expect(errors.join("\n")).not.toMatch(/memory (was|is) lost/);
  else if (memory !== "either" && !isEndedByHand) expect(kept ? "kept" : "lost").toBe(memory);
  if (fault.told && errors.some(Boolean)) expect(errors.join("\n")).toMatch(fault.told);
  return {
    struckUp: exitCode === 0 ? "succeeded" : exitCode === -1 ? "was killed" : "failed",
    outcomes: records.map(({ outcome }) => outcome),
    // A cold move ends the guest's memory by itself.
    memory: kept ? "kept" : memory === "ended" || mode === "cold" ? "booted anew" : "lost",
  };
}

/** Asks for the guest on a host, from the next run on. What the move takes on its way is for this guest alone: the other could not take it. */
function place(guest: GuestUnderTest<LabStack>, host: string, { mode, way }: FaultCase): void {
  guest.place(host, mode, options[mode]);
  stack.config.guests = stack.config.guests.map(({ migration: _, ...each }) => ({
    ...each,
    ...(each.name === guest.name && { migration: ways[way] }),
  }));
}

/** A post-copy that begins after a pass of pre-copy has next to nothing to send for a guest that writes nothing. */
const keepWriting = (name: string) =>
  stack.inGuest(name, `sudo systemd-run --quiet --collect --unit=${writing} python3 -c '${writer}' || true`);

const writing = "testbed-writing";
const writer = `
import time
memory = bytearray(96 << 20)
while True:
    for at in range(0, len(memory), 4096):
        memory[at] = (memory[at] + 1) % 256
    time.sleep(0.5)
`;

/** Moves the guest with an `up`, with the fault in it. */
async function strike(
  { mode, moment, fault: name }: FaultCase,
  struck: Struck,
): Promise<{ exitCode: number }> {
  const fault: Fault = faults[name];
  await fault.prepare?.(struck);
  if (moment === "beforehand") return stack.up();
  return stack.strikeUp(
    () => moments[mode][moment](struck),
    async (cli) => {
      await fault.strike?.(struck, cli);
      if (mode === "offline") await slowDown(struck, false).catch(() => {}); // a host that was stopped has forgotten it
    },
  );
}

/** A plain `up`. Returns whether a person had to end both copies, as it said, before another one. */
async function putRight({ leftToPeople }: Fault, { stack, guest, from, to }: Struck): Promise<boolean> {
  const { exitCode, text } = await stack.up();
  if (exitCode === 0) return false;
  if (!leftToPeople?.test(text)) throw new Error(`pulumi up failed (exit code ${exitCode}):\n${text}`);
  for (const host of [from, to]) await stack.attempt(host, `virsh -c qemu:///system destroy ${guest}`);
  await stack.deploy();
  return true;
}

const hasCertificates = (host: string) =>
  stack.on(host, "test -e /etc/pki/qemu/ca-cert.pem").then(
    () => true,
    () => false,
  );

const readBootId = (guest: string) => stack.inGuest(guest, "cat /proc/sys/kernel/random/boot_id");

/** A memory that runs on a disk of another time spoils the file system sooner or later: looked at while nothing writes to it, not even the counter. */
async function expectCleanFileSystem(guest: string): Promise<void> {
  const look = `systemctl stop testbed-workload; pkill python3; sync; echo u > /proc/sysrq-trigger; sleep 1
e2fsck -fn "$(findmnt -no SOURCE /)" > /run/fsck 2>&1; echo $? > /run/fsck-code
mount -o remount,rw /; systemctl start testbed-workload; cat /run/fsck-code; cat /run/fsck`;
  const [code = "", ...said] = (await stack.inGuest(guest, `sudo sh -c '${look}'`)).split("\n");
  expect(code, said.join("\n")).toBe("0");
}

/** After a case that failed, or a host that was stopped with both guests: puts the machines in order, and the guest where it is. */
async function beginAnew(guest: GuestUnderTest<LabStack>): Promise<Life> {
  const struck: Struck = { stack, guest: guest.name, from: "host1", to: "host2" };
  for (const ends of [struck, { ...struck, from: "host2", to: "host1" }]) {
    for (const { fix } of Object.values(faults) as Fault[]) await fix?.(ends).catch(() => {});
  }
  await stack
    .deploy()
    .then(() => guest.host())
    .catch(() => makeAnew(guest.name));
  await stack.reachable(guest.name);
  await startCounter(stack, guest.name);
  return guest.life();
}

/** Whatever became of it: the next case is to have a guest, with a disk of its own. */
async function makeAnew(name: string): Promise<void> {
  for (const host of hosts) {
    const forget = ["destroy", "undefine"]
      .map((command) => `virsh -c qemu:///system ${command} ${name}`)
      .join("; ");
    await stack
      .on(
        host,
        `${forget}; rm -rf /var/lib/kvm-migration-testbed/moving /var/lib/kvm-migration-testbed/disks/${name}-*; true`,
      )
      .catch(() => {});
  }
  await stack.on("storage", `find ${intents} -name '*.json' -delete`);
  // A local overlay is made with the guest; the shared one, which Pulumi knows, is emptied.
  if (name === nameOf.shared) {
    const disk = `/export/testbed/${name}.qcow2`;
    const info = JSON.parse(await stack.on("storage", `qemu-img info -U --output=json ${disk}`));
    const base = `-b ${info["backing-filename"]} -F ${info["backing-filename-format"]}`;
    await stack.on("storage", `qemu-img create -q -u -f qcow2 ${base} ${disk} ${info["virtual-size"]}`);
  }
  await stack.deploy();
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
    "pgrep -af 'virsh .*(event|migrate)' | grep -v pgrep | sed 's/^/process /'",
    `[ "$(pgrep -c qemu-system)" -eq "$(virsh -q list --name | grep -c .)" ] || pgrep -a qemu-system | cut -c 1-80`,
    `for disk in $(ls /var/lib/kvm-migration-testbed/disks 2>/dev/null); do virsh -q list --name | grep -qx "\${disk%%-*}" || echo "unused $disk"; done`,
  ].join("; ");
  const found = await Promise.all(
    hosts.map(async (host) => (await stack.on(host, `${look}; true`)).split("\n").filter(Boolean)),
  );
  return found.flat();
}
