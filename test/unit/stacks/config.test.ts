import { describe, expect, expectTypeOf, it } from "vitest";
import { parseStackConfig } from "../../../stacks/checks/parse.ts";
import type { GuestConfig, MigrationConfig, StackConfig, StackInput } from "../../../stacks/config.ts";
import { labInput, metalInput } from "../helpers/config-stack.ts";

describe("the config of a stack", () => {
  it("gets defaults for all that is left out", () => {
    expect(
      parseStackConfig(labInput({ guests: [{ name: "vm1" }], placement: { vm1: "host2" } }), "lab"),
    ).toEqual({
      lab: { network: "10.77.0.0/24", bridge: "lab0", release: "debian-12" },
      storage: {
        name: "storage",
        export: "/export/testbed",
        existing: false,
        pool: "testbed",
        transport: "auto",
      },
      hosts: [
        { name: "host1", accelerator: "auto", reserveMiB: 512 },
        { name: "host2", accelerator: "auto", reserveMiB: 512 },
      ],
      ssh: { knownHosts: "strict" },
      bridge: { name: "br0" },
      image: { source: "auto" },
      guests: [
        {
          name: "vm1",
          memoryMiB: 1024,
          vcpus: 1,
          cpu: "host-model",
          firmware: "bios",
          diskGiB: 14,
          disks: [],
          nics: [],
          redo: "shared",
          fixed: false,
          workload: { type: "idle" },
        },
      ],
      placement: { vm1: "host2" },
      drain: [],
      affinity: [],
      off: [],
      lost: [],
      migration: {
        mode: "live",
        maxDowntimeMs: 300,
        timeoutMs: 600_000,
        drift: "return",
        concurrentPerHost: 2,
      },
    });
  });

  it("keeps what is said", () => {
    const input = metalInput({
      storage: {
        name: "nas",
        address: "nas.example.org",
        port: 2210,
        user: "admin",
        export: "/srv/vm",
        existing: false,
        pool: "testbed",
        transport: "kernel",
      },
      ssh: { privateKeyFile: "~/.ssh/testbed", knownHosts: "accept-new" },
      bridge: { name: "br-vm", uplink: "eno2", gateway: "192.0.2.1" },
      image: { source: "./guest.qcow2", sha256: "0".repeat(64) },
      migration: {
        mode: "offline",
        bandwidthMiBps: 100,
        maxDowntimeMs: 50,
        timeoutMs: 5000,
        port: 49300,
        drift: "adopt",
      },
      guests: [
        {
          name: "vm1",
          memoryMiB: 512,
          vcpus: 2,
          diskGiB: 8,
          disks: [],
          nics: [],
          mac: "52:54:00:10:55:ef",
          address: "192.0.2.101/24",
          vnc: { port: 5910, listen: "0.0.0.0", password: "paper" },
          workload: { type: "disk", mibPerSecond: 0.5 },
          migration: { mode: "cold" },
        },
      ],
      placement: { vm1: "host1" },
    });
    const { hosts, ...said } = input;
    expect(parseStackConfig(input, "metal")).toMatchObject(said);
  });

  it("has its types from the schema", () => {
    expectTypeOf<StackConfig["migration"]["mode"]>().toEqualTypeOf<
      "live" | "postcopy" | "hybrid" | "offline" | "cold" | "auto"
    >();
    expectTypeOf<GuestConfig["memoryMiB"]>().toEqualTypeOf<number>();
    expectTypeOf<GuestConfig["migration"]>().toEqualTypeOf<Partial<MigrationConfig> | undefined>();
    expectTypeOf<StackConfig["placement"]>().toEqualTypeOf<Record<string, string>>();
    expectTypeOf<StackInput["hosts"][number]["port"]>().toEqualTypeOf<number | undefined>();
    // A typo in a program's config is found by the compiler already.
    // @ts-expect-error
    labInput({ migration: { mdoe: "live" } });
  });

  it("does not change what it was given", () => {
    const input = labInput({ guests: [{ name: "vm1", memoryMiB: "1G" as unknown as number }] });
    const before = structuredClone(input);
    expect(() => parseStackConfig(input, "lab")).toThrow();
    expect(input).toEqual(before);
  });
});
