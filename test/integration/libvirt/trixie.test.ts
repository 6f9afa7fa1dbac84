import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { convert, create } from "xmlbuilder2";
import { type CpuAnswer, commonCpu } from "../../../hosts/common-cpu.ts";
import { commonPlatform } from "../../../hosts/common-platform.ts";
import { parseProbe } from "../../../hosts/facts.ts";
import { parseDirtyRate } from "../../../libvirt/dirty-rate.ts";
import { parseDomain } from "../../../libvirt/domain-facts.ts";
import { JobEvents } from "../../../libvirt/job-event.ts";
import { parseJobInfo } from "../../../libvirt/job-info.ts";
import { parseMonitorEvent } from "../../../libvirt/monitor-event.ts";
import { memorySentAt, parseTrace } from "../../../libvirt/qemu-trace.ts";
import { parseSighting } from "../../../libvirt/sighting.ts";
import { parseSurvey, surveyProgram } from "../../../libvirt/survey.ts";
import { isOlder, parseVersions } from "../../../libvirt/versions.ts";
import { hasSandbox, runOnSandbox } from "../helpers/host-sandbox.ts";

// What Debian 13 says (libvirt 11.3, QEMU 10.0), recorded in a live move between two hosts of it, t1 and t2; b3 is a host of Debian 12.
const folder = join(import.meta.dirname, "recordings", "trixie");
const recorded = (name: string) => readFileSync(join(folder, name), "utf8");
const uuid = "00000000-0000-0000-0000-000000000000";

describe("a host of Debian 13", () => {
  test("has versions that are newer than those of Debian 12", () => {
    const versions = parseVersions(`${recorded("t1.version.txt")}\n6.12.0-amd64\n`);
    expect(versions).toEqual({ qemu: "10.0.13", libvirt: "11.3.0", kernel: "6.12.0-amd64" });
    expect(isOlder("9.0.0", versions.libvirt)).toBe(true);
    expect(isOlder(versions.qemu, "7.2.22")).toBe(false);
  });

  test.runIf(hasSandbox("python3"))("is probed", () => {
    const saying = (name: string) => `cat ${join(folder, name)}`;
    const { stdout, stderr } = runOnSandbox(
      "probe",
      { ACCELERATOR: "tcg" },
      {
        programs: {
          "qemu-system-x86_64": "echo pc-q35-10.0",
          modprobe: "exit 0",
          virsh: `case "$*" in
*domcapabilities*) ${saying("t1.domcapabilities.txt")} ;;
*cpu-models*) printf 'qemu64\\nEPYC\\nEPYC-v1\\n' ;;
*version*) ${saying("t1.version.txt")} ;;
*capabilities*) ${saying("t1.capabilities.txt")} ;;
esac`,
        },
      },
    );
    expect(stderr).toBe("");
    const found = parseProbe(stdout.trim());
    expect(found).toMatchObject({ cpuModel: "EPYC", libvirt: "11.3.0", qemu: "10.0.13", uuid });
    expect(featuresOf(found.hostModel)).toEqual(featuresOf(probed("t1").hostModel));
  });

  test("has the machine types that its QEMU lists", () => {
    const survey = `${surveyProgram}\nvirsh() { cat "${join(folder, "t1.capabilities.txt")}"; }\nmachines`;
    const { stdout } = spawnSync("bash", ["-c", survey], { encoding: "utf8" });
    const { machines } = parseSurvey(stdout);
    expect(machines).toContain("pc-q35-10.0");
    expect(machines).toContain("pc-q35-7.2");
  });
});

describe("a guest there", () => {
  test("is defined as one of Debian 12 is", () => {
    expect(parseDomain(recorded("t1.dumpxml.txt"))).toMatchObject({
      name: "vm1",
      memoryMiB: 256,
      vcpus: 1,
      machine: "pc-q35-10.0",
      disks: [
        {
          target: "vda",
          path: "/export/vm1.qcow2",
          cache: "none",
          isReadOnly: false,
          isMirrored: false,
          backing: { path: "/export/base.qcow2" },
        },
      ],
    });
  });

  test("is seen where it runs, and not where it has left", () => {
    const said = (list: string) =>
      [recorded("t1.domstate.txt"), recorded("t1.dominfo.txt"), recorded("t1.domjobinfo.txt"), list].join(
        "====\n",
      );
    expect(parseSighting("t1", uuid, said(recorded("t1.list.txt")))).toEqual({
      host: "t1",
      state: "running",
      reason: "booted",
      persistent: true,
    });
    expect(parseSighting("t1", uuid, said(""))?.state).toBe("absent");
  });

  test("has no job, and a dirty rate", () => {
    expect(parseJobInfo(recorded("t1.domjobinfo.txt"))).toEqual({});
    expect(parseDirtyRate(recorded("t1.domstats_dirtyrate.txt"))).toBe(0);
  });
});

describe("a move there", () => {
  test("is told of by the destination, and by the source's last event, in the same figures", () => {
    const printed = parseJobInfo(recorded("t2.domjobinfo_completed.txt"));
    expect(printed).toMatchObject({
      operation: "Incoming migration",
      elapsedMs: 11767,
      downtimeMs: 4390,
      downtimeWithoutNetworkMs: 4380,
      transferredMiB: 3.36,
      remainingMiB: 0,
      iteration: 4,
    });
    const events = new JobEvents("vm1");
    // It was recorded with --timestamp, which the program does not ask for.
    for (const line of recorded("t1.event.txt").split("\n"))
      events.hear(line.replace(/^\S+ \S+: (?=event)/, ""));
    expect(events.last).toMatchObject({ elapsedMs: 11845, downtimeMs: printed.downtimeMs, iteration: 4 });
    expect(events.last?.transferredMiB).toBeCloseTo(printed.transferredMiB ?? 0, 2);
    expect(parseJobInfo(recorded("t1.domjobinfo_completed.txt"))).toEqual({});
  });

  const events = (name: string) => recorded(name).trim().split("\n").map(parseMonitorEvent);

  test("is heard from QEMU at both ends, every event of it", () => {
    const source = events("t1.monitor-event.txt");
    const destination = events("t2.monitor-event.txt");
    for (const event of [...source, ...destination]) expect(event).toMatchObject({ guest: "vm1" });
    const statuses = source.filter((each) => each?.event === "MIGRATION").map((each) => each?.data.status);
    expect(statuses).toEqual(["setup", "active", "pre-switchover", "device", "completed"]);
    expect(source.filter((each) => each?.event === "MIGRATION_PASS")).toHaveLength(4);
    expect(destination.map((each) => each?.event)).toContain("RESUME");
  });

  test("has its last memory sent between the stop and the end of it, by QEMU's trace", () => {
    const trace = parseTrace(recorded("t1.qemu-log.txt"));
    const at = (name: string) =>
      events("t1.monitor-event.txt").find((each) => each?.event === name)?.atEpochSeconds ?? Number.NaN;
    expect(memorySentAt(trace)).toBeGreaterThan(at("STOP"));
    expect(memorySentAt(trace)).toBeLessThan(at("SHUTDOWN"));
  });

  test("can be traced by the names that are asked for", () => {
    const known = recorded("t1.trace-events.txt");
    for (const event of ["migration_bitmap_sync_end", "migrate_transferred", "migrate_pending_estimate"]) {
      expect(known).toMatch(new RegExp(`^${event} : state`, "m"));
    }
  });
});

interface Feature {
  "@policy": string;
  "@name": string;
}

const featuresOf = (xml: string): Feature[] =>
  Object.values(convert(xml, { format: "object" }) as unknown as Record<string, { feature: Feature[] }>)[0]
    ?.feature ?? [];

const probed = (host: "t1" | "b3") => ({
  ...parseProbe(recorded(`probe-${host}.json`)),
  features: recorded(`${host}.features.txt`).trim().split("\n"),
  name: host,
});

describe("the CPU of a host of Debian 13 and one of Debian 12", () => {
  const [t1, b3] = [probed("t1"), probed("b3")];
  const named = (host: typeof t1, policy: string) =>
    featuresOf(host.hostModel)
      .filter((each) => each["@policy"] === policy)
      .map((each) => each["@name"]);
  const both = named(t1, "require").filter((name) => named(b3, "require").includes(name));
  const off = [...new Set([...named(t1, "disable"), ...named(b3, "disable")])];
  const cpu = (required: string[], disabled: string[]) =>
    create({
      cpu: {
        "@mode": "custom",
        "@match": "exact",
        model: { "@fallback": "forbid", "#": "EPYC" },
        vendor: "AMD",
        feature: [
          ...required.map((name) => ({ "@policy": "require", "@name": name })),
          ...disabled.map((name) => ({ "@policy": "disable", "@name": name })),
        ],
      },
    }).end({ headless: true });
  const orders = (fresh: string, old: string): CpuAnswer[][] => {
    const answers = [
      { ...t1, cpuXml: fresh },
      { ...b3, cpuXml: old },
    ];
    return [answers, answers.toReversed()];
  };

  test("is what both have, whichever is named first", () => {
    const own = cpu(both, off);
    for (const answers of orders(own, "")) expect(commonCpu(answers)).toBe(own);
    expect(both).not.toContain("cmpccxadd");
  });

  test("switches off nothing that the older one has no name for", () => {
    for (const answers of orders(cpu(both, [...off, "cmpccxadd", "fsrc"]), "")) {
      const said = featuresOf(commonCpu(answers));
      expect(said.map((each) => each["@name"])).toEqual([...both, ...off]);
    }
  });

  test("is the older one's word where the newer one's needs what the older one does not know", () => {
    const older = cpu(both, off);
    for (const answers of orders(cpu(named(t1, "require"), off), older))
      expect(commonCpu(answers)).toBe(older);
    for (const answers of orders(cpu(named(t1, "require"), off), "")) {
      expect(() => commonCpu(answers)).toThrow(
        /libvirt 11\.3\.0 on t1 says EPYC with cmpccxadd, which b3 does not know/,
      );
    }
  });

  test("goes with the newest machine type that both know", () => {
    for (const hosts of [
      [t1, b3],
      [b3, t1],
    ]) {
      const apart = hosts.map((host, at) => ({ ...host, uuid: `00000000-0000-4000-8000-00000000000${at}` }));
      expect(commonPlatform(apart)).toMatchObject({ accelerator: "tcg", machine: "pc-q35-7.2" });
    }
  });
});
