import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Fleet } from "../../../fleet/fleet.ts";
import { notedOff, rememberOff } from "../../../fleet/host-off.ts";
import { withFleet } from "../../../fleet/observe.ts";
import { readPowerRecords } from "../../../moves/power-record.ts";
import { appendRecord } from "../../../moves/results.ts";
import {
  type HostPowerInputs,
  type HostPowerOutputs,
  hostPowerResource,
} from "../../../provider/host-power-resource.ts";
import { HostUnreachable } from "../../../ssh/errors.ts";
import { closeSessions } from "../../../ssh/session-pool.ts";
import { liveRecord } from "../../unit/helpers/records.ts";
import { useLocalSsh } from "../helpers/local-ssh.ts";

// Hosts that are switched, by commands like a person's: real shells in a folder of this machine. A host is off as long as a file says so.

// A second's pause, between two looks at a host, is short here.
vi.mock("node:timers/promises", async (original) => {
  const real = await original<typeof import("node:timers/promises")>();
  return { ...real, setTimeout: (ms: number) => real.setTimeout(ms === 1_000 ? 10 : ms) };
});

const folder = useLocalSsh();
const program = (name: string, text: string) => {
  writeFileSync(join(folder, name), `#!/bin/bash\n${text}\n`);
  chmodSync(join(folder, name), 0o755);
};
beforeAll(() => {
  // The last word but one is the address, as in `host1.test`.
  program(
    "ssh",
    `address=\${@: -2:1}
    if [ -e ${folder}/silent-$address ]; then cat ${folder}/silent-$address >&2; exit 255; fi
    exec bash -c "\${@: -1}"`,
  );
  program("virsh", `cat ${folder}/guests`);
  program(
    "systemctl",
    `cat ${folder}/state; head -n 1 ${folder}/later > ${folder}/state; sed -i 1d ${folder}/later`,
  );
});

let count = 0;
beforeEach(() => {
  for (const file of readdirSync(folder)) if (file.startsWith("silent-")) rmSync(join(folder, file));
  put("guests", "");
  put("state", "running");
  put("later", "running\n".repeat(9));
  put("given", "");
  count++;
  told.length = 0;
  vi.spyOn(console, "log").mockImplementation((line: string) => void told.push(line));
});
afterEach(closeSessions);

const told: string[] = [];
const put = (file: string, text: string) => writeFileSync(join(folder, file), text);
const given = () => readFileSync(join(folder, "given"), "utf8").split("\n").filter(Boolean);
const silence = (host: string, why = "ssh: connect to host x port 22: No route to host") =>
  put(`silent-${host}.test`, why);
const ssh = (name: string) => ({ name, address: `${name}.test`, port: 22, user: "root" });
const storage = () => ({ ssh: ssh("storage"), intentDirectory: join(folder, `moves ${count}`) });
const fleet = (): Fleet => ({
  hosts: { host1: { ssh: ssh("host1"), peerAddress: "" }, host2: { ssh: ssh("host2"), peerAddress: "" } },
  storage: storage(),
});

const isSilent = 'silent="$PLACE/silent-$HOST_ADDRESS"';
const commands = {
  off: `${isSilent}; echo off >> "$PLACE/given"; echo "No route to host" > "$silent"`,
  on: `${isSilent}; echo on >> "$PLACE/given"; rm -f "$silent"`,
  status: `${isSilent}; [ -e "$silent" ] && echo "Chassis Power is off" || echo "Chassis Power is on"`,
};
const inputs = (desired: "on" | "off", changes: Partial<HostPowerInputs> = {}): HostPowerInputs => ({
  ...{ host: "host2", ssh: ssh("host2"), storage: storage(), desired, commands, wakeSeconds: 5 },
  environment: { PLACE: folder },
  ...changes,
});
const without = ({ status: _, ...others }: typeof commands) => others;
const outputs = (made: HostPowerInputs): HostPowerOutputs => ({ ...made, boot: "", since: "" });
const create = (made: HostPowerInputs) => hostPowerResource.create(made);
const reasonOf = async (work: Promise<unknown>) => String(await work.catch((error: Error) => error.message));

describe.each(["status", "silence"])("a host that is to be off, told by its %s", (by) => {
  const off = (changes: Partial<HostPowerInputs> = {}) =>
    inputs("off", {
      ...(by === "silence" && { commands: without(commands) as typeof commands }),
      ...changes,
    });

  test("is noted and switched off, once", async () => {
    const { outs } = await create(off());
    expect(outs).toMatchObject({ desired: "off", boot: "", since: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect([given(), await notedOff(storage())]).toEqual([["off"], ["host2"]]);
    await hostPowerResource.update("id", outs, off());
    expect(given()).toEqual(["off"]);
    expect(await hostPowerResource.diff("id", outs, off())).toEqual({ changes: false });
  });

  test("is left on while a guest runs there", async () => {
    put("guests", "vm1\nother\n");
    const reason = await reasonOf(create(off()));
    expect(reason).toMatch(/host2 is not switched off: vm1, other run there\. Nothing was changed/);
    expect([given(), await notedOff(storage())]).toEqual([[], []]);
  });

  test("is left on while a move from or to it is not ended", async () => {
    mkdirSync(storage().intentDirectory);
    const intent = join(storage().intentDirectory, "u1.json");
    writeFileSync(intent, '{"from":"host1","to":"host2"}');
    expect(await reasonOf(create(off()))).toMatch(
      /a move from or to it was begun and not ended .*u1\.json on storage/,
    );
    writeFileSync(intent, '{"from":"host1","to":"host22"}');
    await create(off());
    expect(given()).toEqual(["off"]);
  });

  test("is gone on with by the run after one that died", async () => {
    // Before the command was given, and after it.
    put("guests", "");
    const dead = { ...off(), commands: { ...off().commands, off: "exit 9" } };
    await reasonOf(create(dead));
    await create(off());
    expect(given()).toEqual(["off"]);
    await create(off());
    expect(given()).toEqual(["off"]);
  });

  test("is an error if it is silent, and nobody has noted that it is empty", async () => {
    silence("host2");
    await expect(create(off())).rejects.toThrow(HostUnreachable);
    expect([given(), await notedOff(storage())]).toEqual([[], []]);
  });

  test("is noted no more if its command fails and it goes on", async () => {
    const failing = { ...commands, off: "echo no such chassis >&2; exit 3" };
    const reason = await reasonOf(
      create(off({ commands: by === "silence" ? (without(failing) as typeof commands) : failing })),
    );
    expect(reason).toMatch(/^The command power\.off of host2 failed: exit code 3: no such chassis\. Mend it/);
    expect(await notedOff(storage())).toEqual([]);
  });

  test("is an error if it does not go off in time", async () => {
    const idle = { ...off().commands, off: "true" };
    const reason = await reasonOf(create(off({ commands: idle, wakeSeconds: 0 })));
    expect(reason).toMatch(/host2 was told to go off and is not off after 0 s/);
  });

  test("and was switched on by somebody is switched off again", async () => {
    const { outs } = await create(off());
    rmSync(join(folder, "silent-host2.test"));
    expect(await hostPowerResource.diff("id", outs, off())).toEqual({ changes: true });
    expect(told.at(-1)).toBe("host2: is on and should be off; it will be switched off");
    await hostPowerResource.update("id", outs, off());
    expect(given()).toEqual(["off", "off"]);
  });
});

test.each(["Connection refused", "Permission denied (publickey)."])(
  "a host that says %s is not off",
  async (why) => {
    const off = inputs("off", { commands: without(commands) as typeof commands });
    silence("host2", why);
    expect(await hostPowerResource.diff("id", outputs(off), off)).toEqual({ changes: true });
  },
);

test.each(["", "unknown", "Chassis is offline"])("a status of %j is an error", async (says) => {
  const off = inputs("off", { commands: { ...commands, status: `echo "${says}"` } });
  expect(await reasonOf(hostPowerResource.diff("id", outputs(off), off))).toMatch(
    /Whether host2 is on can't be told: the last word that power\.status prints is neither on nor off/,
  );
});

test("a command that bash can't read is not quoted by the error", async () => {
  const off = inputs("off", { commands: { ...commands, off: "curl -u admin:s3cret )" } });
  const reason = await reasonOf(create(off));
  expect(reason).toMatch(/power\.off of host2 failed: exit code 2: .*syntax error near unexpected token/);
  expect(reason).not.toContain("s3cret");
});

test("what a command leaves running is not waited for", async () => {
  const left = 'sleep 600 & echo $! > "$PLACE/left"';
  const { outs } = await create(
    inputs("off", { commands: { ...commands, off: `${left}; ${commands.off}` } }),
  );
  expect(outs).toMatchObject({ desired: "off", boot: "" });
  // It is there still, and no error.
  process.kill(Number(readFileSync(join(folder, "left"), "utf8")));
});

test("a command that does not end is ended, with all that it has started", async () => {
  const off = inputs("off", { commands: { ...commands, off: "sleep 600 & sleep 600" }, wakeSeconds: 1 });
  expect(await reasonOf(create(off))).toMatch(/power\.off of host2 failed: it did not end within 1 s/);
});

describe("what switching a host took", () => {
  const stackFile = () => join("results", "mine.jsonl");
  const kept = () => readPowerRecords(join("results", "mine.power.jsonl"));
  let home = "";
  beforeEach(() => {
    home = process.cwd();
    const project = join(folder, `project ${count}`);
    mkdirSync(project);
    process.chdir(project);
  });
  afterEach(() => process.chdir(home));
  const decision = "2026-03-01T12:00:00.000Z";
  const more = { stack: "mine", decision, watts: { beforeW: 300, afterW: 200 } };
  const move = (guest: string, from: string, to: string, minute: number, changes = {}) =>
    appendRecord(
      stackFile(),
      liveRecord({ guest, from, to, startedAt: `2026-03-01T12:0${minute}:00.000Z`, ...changes }),
    );

  test("is written down with the moves that emptied it since guests last came", async () => {
    const emptied = { reason: "host2 is emptied" };
    await move("vm0", "host2", "host1", 0, emptied);
    await move("vm1", "host1", "host2", 1);
    await move("vm1", "host2", "host1", 2, emptied);
    await move("vm2", "host2", "host1", 3, { ...emptied, outcome: "failed", error: "x" });
    await move("vm2", "host2", "host3", 4, emptied);
    await move("vm3", "host2", "host1", 5, { reason: "rule r" });
    // For another reason, but by the decision that leaves it without guests.
    await move("vm4", "host2", "host1", 6, { reason: "host2 is over its limit of CPU", decision });
    await create(inputs("off", { ...more, reason: "policy consolidate leaves it without guests" }));
    const record = (guest: string, to: string) => ({ guest, to, totalMs: 1500, downtimeMs: 80.5 });
    expect(await kept()).toEqual([
      {
        ...{ schema: 1, host: "host2", did: "off", decision },
        ...{ at: expect.stringMatching(/Z$/), tookMs: expect.any(Number) },
        reason: "policy consolidate leaves it without guests",
        moves: [record("vm1", "host1"), record("vm2", "host3"), record("vm4", "host1")],
        watts: expect.arrayContaining([{ from: "declared", beforeW: 300, afterW: 200 }]),
      },
    ]);
  });

  test("is written down when it is switched on again, and not when it was on already", async () => {
    const { outs } = await create(inputs("off", more));
    await hostPowerResource.update("id", outs, inputs("on", { stack: "mine" }));
    await hostPowerResource.update("id", outs, inputs("on", { stack: "mine" }));
    expect(await kept()).toMatchObject([{ did: "off" }, { did: "on", host: "host2", watts: [] }]);
    expect((await kept())[1]).not.toHaveProperty("moves");
  });

  describe("has what its meter says", () => {
    const metered = { ...commands, meter: 'exec "$PLACE/meter"' };
    const meter = (text: string) =>
      program("meter", `echo "$HOST_NAME $HOST_ADDRESS" >> ${folder}/asked; ${text}`);
    const dcmi = (watts: number) =>
      meter(
        `printf '\\n    Instantaneous power reading: %23d Watts\\n    Minimum during sampling period: 2 Watts\\n' ${watts}`,
      );
    const switchBoth = async (meanwhile: () => void = () => {}) => {
      const { outs } = await create(inputs("off", { stack: "mine", commands: metered }));
      meanwhile();
      await hostPowerResource.update("id", outs, inputs("on", { stack: "mine", commands: metered }));
      // This machine may have counters of its own.
      return (await kept()).map(({ watts }) => watts.filter(({ from }) => from !== "rapl"));
    };
    beforeEach(() => put("asked", ""));

    test("right before it goes off, and once it is on", async () => {
      dcmi(220);
      const seen = await switchBoth(() => dcmi(184));
      expect(seen).toEqual([[{ from: "bmc", beforeW: 220 }], [{ from: "bmc", afterW: 184 }]]);
      expect(readFileSync(join(folder, "asked"), "utf8")).toBe("host2 host2.test\n".repeat(2));
      expect(told.join("\n")).not.toContain("not known");
    });

    test.each([
      ["fails", "echo no route; echo 'to the BMC' >&2; exit 1", "exit code 1: to the BMC"],
      [
        "does not know",
        "echo No data; echo available",
        "no figure in W is in what it prints (No data available)",
      ],
      ["is silent", "true", "no figure in W is in what it prints (nothing)"],
    ])("and is switched all the same where it %s, which is told in a line", async (_, text, why) => {
      meter(text);
      expect(await switchBoth()).toEqual([[], []]);
      expect(given()).toEqual(["off", "on"]);
      const line = `host2: what it draws is not known: power.meter: ${why}`;
      expect(told.filter((each) => each.includes("power.meter"))).toEqual([line, line]);
    });

    test("and is not asked where the host was on already", async () => {
      dcmi(220);
      await create(inputs("on", { stack: "mine", commands: metered }));
      expect(readFileSync(join(folder, "asked"), "utf8")).toBe("");
    });
  });

  test("is nothing for one that was off already, nor for one that an earlier version declared", async () => {
    const { outs } = await create(inputs("off"));
    await hostPowerResource.update("id", outs, inputs("off", more));
    expect(await kept()).toEqual([]);
  });

  test("is told where it can't be written; the host is switched all the same", async () => {
    writeFileSync("results", "in the way");
    const { outs } = await create(inputs("off", more));
    expect(outs).toMatchObject({ desired: "off", boot: "" });
    expect(told.at(-1)).toMatch(/^host2: that it was switched off is not in results\/mine\.power\.jsonl: /);
  });
});

describe("a host that is to be on", () => {
  const asleep = async () => (await create(inputs("off"))).outs;

  test("is switched on, answers, and is noted no more", async () => {
    const olds = await asleep();
    expect(await hostPowerResource.diff("id", olds, inputs("on"))).toEqual({ changes: true });
    const { outs } = await hostPowerResource.update("id", olds, inputs("on"));
    expect(outs.boot).toBe(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
    expect([given(), await notedOff(storage())]).toEqual([["off", "on"], []]);
    expect(existsSync(`${storage().intentDirectory}.off`)).toBe(false);
    expect(await hostPowerResource.diff("id", outs, inputs("on"))).toEqual({ changes: false });
  });

  test("is switched on also if the update that switched it off was cut short", async () => {
    await asleep();
    const olds = outputs(inputs("on"));
    expect(await hostPowerResource.diff("id", olds, inputs("on"))).toEqual({ changes: true });
    await hostPowerResource.update("id", olds, inputs("on"));
    expect(given()).toEqual(["off", "on"]);
    expect(await hostPowerResource.diff("id", olds, inputs("on"))).toEqual({ changes: false });
    silence("storage");
    await closeSessions();
    expect(await hostPowerResource.diff("id", olds, inputs("on"))).toEqual({ changes: false });
  });

  test("and was lost is not used again while copies of its guests run there", async () => {
    mkdirSync(`${storage().intentDirectory}.off`, { recursive: true });
    writeFileSync(join(`${storage().intentDirectory}.off`, "host2"), "lost\n");
    put("guests", "vm1\nvm2\n");
    expect(await reasonOf(create(inputs("on")))).toMatch(
      /^host2 was lost, and still runs vm1, vm2: copies of before.*virsh destroy/,
    );
    expect(await notedOff(storage())).toEqual(["host2"]);
    put("guests", "");
    await create(inputs("on"));
    expect(await notedOff(storage())).toEqual([]);
  });

  test("and was switched on by somebody who started a guest there is believed", async () => {
    const olds = await asleep();
    rmSync(join(folder, "silent-host2.test"));
    put("guests", "vm1\n");
    await hostPowerResource.update("id", olds, inputs("on"));
    expect(await notedOff(storage())).toEqual([]);
  });

  test("and is on is left alone", async () => {
    const olds = await asleep();
    rmSync(join(folder, "silent-host2.test"));
    await hostPowerResource.update("id", olds, inputs("on"));
    expect([given(), await notedOff(storage())]).toEqual([["off"], []]);
  });

  test("is waited for while it still goes off", async () => {
    put("state", "stopping");
    put("later", `stopping\n${"running\n".repeat(9)}`);
    const { outs } = await create(inputs("on"));
    expect(outs.boot).not.toBe("");
    expect(given()).toEqual([]);
  });

  test("is an error if it does not answer in time", async () => {
    const olds = await asleep();
    const on = inputs("on", { commands: { ...commands, on: "true" }, wakeSeconds: 0 });
    expect(await reasonOf(hostPowerResource.update("id", olds, on))).toMatch(
      /host2 was told to go on and does not answer over SSH after 0 s.*wakeSeconds/,
    );
    expect(await notedOff(storage())).toEqual(["host2"]);
  });

  test("also before it is destroyed: what was done there is taken back then", async () => {
    await hostPowerResource.delete("id", await asleep());
    expect(given()).toEqual(["off", "on"]);
    await hostPowerResource.delete("id", outputs(inputs("on")));
    expect(given()).toEqual(["off", "on"]);
  });
});

describe("who looks for a guest on all hosts", () => {
  const asked = () => withFleet(fleet(), async ({ hosts }) => hosts.map(({ target }) => target.name));

  test("leaves out one that was switched off", async () => {
    await create(inputs("off"));
    expect(await asked()).toEqual(["host1"]);
    await hostPowerResource.update("id", outputs(inputs("off")), inputs("on"));
    expect(await asked()).toEqual(["host1", "host2"]);
  });

  test("waits for no answer of one that is known to be off", async () => {
    rememberOff(storage(), ["host2"]);
    expect(await asked()).toEqual(["host1"]);
  });

  /** By another process. */
  const note = (host: string) => {
    mkdirSync(`${storage().intentDirectory}.off`, { recursive: true });
    writeFileSync(join(`${storage().intentDirectory}.off`, host), "");
  };

  test("asks one that is noted and answers, and leaves out one that does not", async () => {
    note("host2");
    expect(await asked()).toEqual(["host1", "host2"]);
    await closeSessions();
    silence("host2");
    expect(await asked()).toEqual(["host1"]);
  });

  test("stops at one that is silent and was not switched off", async () => {
    note("host2");
    silence("host2");
    silence("host1");
    await expect(asked()).rejects.toMatchObject({ name: "HostUnreachable", host: "host1" });
    silence("storage");
    await expect(asked()).rejects.toThrow(HostUnreachable);
  });

  test("begins nothing twice when one falls silent meanwhile", async () => {
    note("host2");
    let begun = 0;
    const work = withFleet(fleet(), async () => {
      begun++;
      throw new HostUnreachable(ssh("host2"), "No route to host");
    });
    await expect(work).rejects.toThrow(HostUnreachable);
    expect(begun).toBe(1);
  });

  test("is told if what it wants is on one that is off", async () => {
    await create(inputs("off"));
    await expect(withFleet(fleet(), async ({ host }) => host("host2"))).rejects.toThrow(
      /Host host2 is off: it was switched off, or is lost\. Nothing can be done there/,
    );
  });
});
