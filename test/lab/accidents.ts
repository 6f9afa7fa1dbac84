import { execa } from "execa";
import { describe, expect, test } from "vitest";
import type { MigrationMode } from "../../moves/modes.ts";
import type { StackInput } from "../../stacks/config.ts";
import { startCounter } from "./guest-life.ts";
import type { GuestUnderTest } from "./guest-under-test.ts";
import { LabStack, unchanged } from "./stack.ts";
import { killContainers, processesOfRun, signal } from "./traces.ts";

/**
 * What may befall a testbed with one guest on two hosts: after each accident, the next plain `pulumi up` puts things right. The other moments
 * and modes in which that may happen are in test/faults.
 */
export function accidents(guest: () => GuestUnderTest<LabStack>): void {
  describe("the CLI is killed in the middle of a move", () => killedMoves(guest));
  describe("up is interrupted (Ctrl-C) in the middle of a move, which goes back:", () =>
    interruptedMoves(guest));
  describe("a move that fails leaves the guest as it is, where it is, and says why:", () =>
    failedMoves(guest));
  describe("a guest that someone moved by hand", () => drift(guest));
  describe("hosts that are away:", () => lostHosts(guest));
}

/** Slow enough for something to happen meanwhile. */
const slow = { bandwidthMiBps: 32 };

/** Waits until a live move has begun to send. */
const sending = (stack: LabStack, from: string) =>
  stack.until(from, `virsh domjobinfo vm1 | grep -qE "^Memory processed: *[0-9.]+ MiB"`);

type Moment = (stack: LabStack, from: string, to: string) => Promise<unknown>;

/** Waits until the state file of an offline move is on its way, which is made slow for that. */
const copying: Moment = async (stack, from, to) => {
  await stack.on(from, "tc qdisc add dev br0 root tbf rate 160mbit burst 1mbit latency 100ms");
  await stack.until(to, "[ -s /var/lib/kvm-migration-testbed/moving/*.part ]");
  await stack.on(from, "tc qdisc del dev br0 root");
};

function interruptedMoves(guest: () => GuestUnderTest<LabStack>): void {
  test("while memory is sent", async () => {
    const vm1 = guest();
    const before = await vm1.life();
    const { from, to } = await vm1.placeElsewhere("live", slow);
    const { exitCode, text } = await vm1.stack.strikeUp(
      () => sending(vm1.stack, from),
      (cli) => signal(cli, "SIGINT"),
    );
    expect(exitCode).not.toBe(0);
    expect(text).toContain("the update was interrupted");
    await vm1.expectOneCopyAt(from);
    await vm1.expectLifeWentOn(before);
    expect((await vm1.records()).at(-1)).toMatchObject({ outcome: "rolled-back", from, to });
    await vm1.stack.deploy();
    await vm1.expectOneCopyAt(to);
    await vm1.expectLifeWentOn(before);
  });
}

function killedMoves(guest: () => GuestUnderTest<LabStack>): void {
  /** Kills an `up` that moves the guest at a certain moment, and lets the next one put that right. */
  async function killAndRecover(mode: MigrationMode, moment: Moment): Promise<void> {
    const vm1 = guest();
    const { from, to } = await vm1.placeElsewhere(mode, mode === "live" ? slow : {});
    await vm1.stack.killUp(() => moment(vm1.stack, from, to));
    // It was under way, and not over.
    expect(await vm1.stack.unfinished()).toContainEqual(expect.stringContaining("/moves/"));

    await vm1.stack.deploy();
    await vm1.expectOneCopyAt(to);
    const { host, last } = (await vm1.stack.outputs()).migrations.vm1 ?? {};
    expect(host).toBe(to);
    expect(last?.outcome).toMatch(/^(completed|recovered)$/);
  }

  const moments: [string, MigrationMode, Moment][] = [
    ["while memory is sent", "live", sending],
    ["while the state file is copied", "offline", copying],
  ];
  test.each(moments)(
    "and all its plugins, %s (%s): the next up brings the guest there, with its memory",
    async (_, mode, moment) => {
      const before = await guest().life();
      await killAndRecover(mode, moment);
      await guest().expectLifeWentOn(before);
    },
  );

  test("alone: the move goes on, the next up waits for its end, and the provider then ends itself", async () => {
    const { stack } = guest();
    const before = await guest().life();
    const { from, to } = await guest().placeElsewhere("live", slow);
    const cli = await stack.killUp(
      () => sending(stack, from),
      (pid) => signal(pid, "SIGKILL"),
    );
    const provider = async () =>
      (await processesOfRun(cli, stack.project.folder)).filter((command) =>
        /dynamic-provider|terraform-provider/.test(command),
      );
    expect(await provider()).not.toEqual([]);
    await stack.deploy();
    await guest().expectOneCopyAt(to);
    await guest().expectLifeWentOn(before);
    await expect.poll(provider, { timeout: 60_000 }).toEqual([]);
  });
}

function failedMoves(guest: () => GuestUnderTest<LabStack>): void {
  type Accident = (stack: LabStack, from: string, to: string) => Promise<unknown>;

  /** Starts an `up` that moves the guest live, in which something goes wrong; returns the record's error. */
  async function failingMove(options: StackInput["migration"], accident: Accident) {
    const vm1 = guest();
    const before = await vm1.life();
    const { from, to } = await vm1.placeElsewhere("live", options);
    const [{ exitCode, text }] = await Promise.all([vm1.stack.up(), accident(vm1.stack, from, to)]);
    expect(exitCode).not.toBe(0);
    expect(text).toMatch(new RegExp(`Moving guest vm1 from ${from} .* failed; it runs on ${from}`));
    await vm1.expectOneCopyAt(from);
    await vm1.expectLifeWentOn(before);
    // An update that failed leaves the stack's outputs as they were; the results file has every move.
    const [record] = (await vm1.records()).slice(-1);
    expect(record).toMatchObject({ outcome: "rolled-back", from, to });
    return record?.error;
  }

  test("the destination's QEMU dies", async () => {
    const error = await failingMove(slow, async (stack, from, to) => {
      await sending(stack, from);
      await stack.on(to, "pkill -KILL qemu-system");
    });
    expect(error).toMatch(/^migrating guest vm1 from host\d to host\d on host\d failed/);
  });

  test("it is not done in time; and the next up succeeds", async () => {
    const error = await failingMove({ bandwidthMiBps: 1, timeoutMs: 3000 }, async () => {});
    expect(error).toContain("not done after 3 s");
    const { stack } = guest();
    stack.config.migration = { mode: "live" };
    await stack.deploy();
    await guest().expectOneCopyAt(stack.config.placement.vm1 as string);
    // Three moves were asked for here, and one of them was made.
    expect((await stack.outputs()).migrations.vm1?.last?.outcome).toBe("completed");
    const latest = (await guest().records()).slice(-3).map(({ outcome }) => outcome);
    expect(latest).toEqual(["rolled-back", "rolled-back", "completed"]);
  });
}

function drift(guest: () => GuestUnderTest<LabStack>): void {
  /** @param options what becomes of its definitions: without any, it runs without one, and can be started a second time where it was */
  async function moveByHand(options: string): Promise<{ from: string; to: string }> {
    const from = await guest().stay();
    await guest().stack.deploy();
    const to = from === "host1" ? "host2" : "host1";
    await guest().stack.virsh(from, `migrate --live ${options} vm1 qemu+ssh://${to}/system`);
    return { from, to };
  }

  test("shows in a refresh, and stops an up that is told to", async () => {
    const { stack } = guest();
    const { from, to } = await moveByHand("--persistent --undefinesource");
    expect((await stack.refresh()).text).toContain(`found on ${to}`);

    stack.config.migration = { mode: "live", drift: "error" };
    const { exitCode, text } = await stack.up();
    expect(exitCode).not.toBe(0);
    expect(text).toContain(
      `runs on ${to}, where someone moved it by hand; the stack's config places it on ${from}`,
    );
    await guest().expectOneCopyAt(to);
  });

  test("is kept where it is by an up that adopts, which removes its old definition, and by those after it", async () => {
    const { stack } = guest();
    const { from, to } = await moveByHand("--persistent");
    stack.config.migration = { mode: "live", drift: "adopt" };
    expect((await stack.preview()).text).toContain(`its definition will be removed from ${from}`);
    await stack.deploy();
    expect(await stack.deploy()).toMatch(unchanged);
    await guest().expectOneCopyAt(to);
  });

  test("is moved back by default", async () => {
    const { stack } = guest();
    const { from, to } = await moveByHand("");
    const { text } = await stack.preview();
    expect(text).toContain(`vm1: was moved by hand; moves back ${to} → ${from}`);
    expect(text).toContain(
      `its definition will be written on ${to}, where it runs without one, and removed from ${from}`,
    );
    await stack.deploy();
    await guest().expectOneCopyAt(from);
  });
}

function lostHosts(guest: () => GuestUnderTest<LabStack>): void {
  test("one that does not answer is an error, not a place where the guest is not", async () => {
    const { stack } = guest();
    const host = await guest().stay();
    const silent = host === "host1" ? "host2" : "host1";
    const before = await guest().life();
    const link = ["link", "set", `vb-testbed-${stack.name}-${silent}`];
    await execa("ip", [...link, "down"]);
    const runs = [await stack.preview(), await stack.up()];
    await execa("ip", [...link, "up"]);
    for (const { exitCode, text } of runs) {
      expect(exitCode).not.toBe(0);
      expect(text).toContain(stack.hostAddress(silent));
    }
    await stack.deploy();
    await guest().expectOneCopyAt(host);
    await guest().expectLifeWentOn(before);
  });

  test("machines of one's own that do not answer, or not to this key, are named, all at once", async () => {
    const { stack } = guest();
    const { project } = stack;
    await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", project.path("another-key")]);
    const metal = new LabStack(project, "metal-test", {
      storage: { address: stack.hostAddress("storage") },
      hosts: [
        { name: "host1", address: stack.hostAddress("host1") },
        { name: "host2", address: stack.hostAddress("host2").replace(/\d+$/, "99") },
      ],
      ssh: { privateKeyFile: "./another-key", knownHosts: "accept-new" },
      guests: [{ name: "vm1", memoryMiB: 448 }],
      placement: { vm1: "host1" },
    });
    await metal.init();
    const { exitCode, text } = await metal.up();
    expect(exitCode).not.toBe(0);
    expect(text).toMatch(/testbed:storage: .*logging in failed: .*Permission denied/);
    expect(text).toMatch(/testbed:hosts\[0\]: .*logging in failed: .*Permission denied/);
    expect(text).toMatch(/testbed:hosts\[1\]: .*does not answer/);
  });

  test("the storage's container was killed: it comes back, and the guest never notices", async () => {
    const { stack } = guest();
    const host = await guest().stay();
    const before = await guest().life();
    await killContainers(stack.name, "storage");
    await stack.deploy();
    await guest().expectOneCopyAt(host);
    await guest().expectLifeWentOn(before);
  });

  test("the storage's and the guest's own were killed: they come back, and the guest is booted there from its disk", async () => {
    const { stack } = guest();
    const host = await guest().stay();
    await killContainers(stack.name, "storage", host);
    await stack.deploy();
    expect(await stack.places("vm1")).toEqual({ [host]: "running (booted)" });
    expect(await stack.deploy()).toMatch(unchanged);
    await stack.reachable("vm1");
    await startCounter(stack, "vm1");
  });
}
