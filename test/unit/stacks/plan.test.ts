import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseStackConfig } from "../../../stacks/checks/parse.ts";
import type { StackInput } from "../../../stacks/config.ts";
import { type Known, type Plan, planStack } from "../../../stacks/plan.ts";
import { labInput, metalInput, mistakesIn } from "../helpers/config-stack.ts";

const plan = (input: StackInput, stack = "lab"): Plan => planStack(parseStackConfig(input, stack), stack);

describe("the plan of a lab", () => {
  it("gives every machine an address, and the key that the lab makes", () => {
    const { lab, storage, hosts } = plan(labInput());
    expect(lab).toEqual({ network: "10.77.0.0/24", prefixLength: 24, gateway: "10.77.0.1", bridge: "lab0" });
    const reached = {
      port: 22,
      user: "root",
      privateKeyFile: ".testbed/lab/id_ed25519",
      knownHostsFile: ".testbed/lab/known_hosts",
    };
    expect(storage).toEqual({
      name: "storage",
      ssh: { name: "storage", address: "10.77.0.10", ...reached },
      address: "10.77.0.10",
      export: "/export/testbed",
      pool: "testbed",
      transport: "auto",
    });
    expect(hosts).toEqual([
      {
        name: "host1",
        ssh: { name: "host1", address: "10.77.0.11", ...reached },
        migrationAddress: "10.77.0.11",
        accelerator: "auto",
        reserveMiB: 512,
      },
      {
        name: "host2",
        ssh: { name: "host2", address: "10.77.0.12", ...reached },
        migrationAddress: "10.77.0.12",
        accelerator: "auto",
        reserveMiB: 512,
      },
    ]);
  });

  it("gives every guest an address, a MAC and, if it has a display, a port", () => {
    const { guests } = plan(labInput({ guests: [{ name: "vm1", vnc: {} }, { name: "vm2" }] }));
    expect(guests[0]).toEqual({
      name: "vm1",
      host: "host1",
      memoryMiB: 1024,
      vcpus: 1,
      diskGiB: 14,
      disks: [],
      nics: [],
      redo: "shared",
      mac: "52:54:00:4e:c5:3c",
      network: { address: "10.77.0.101", cidr: "10.77.0.101/24", gateway: "10.77.0.1" },
      workload: { type: "idle" },
      programs: [],
      vnc: { port: 5901, listen: "127.0.0.1" },
      migration: { mode: "live", maxDowntimeMs: 300, timeoutMs: 600_000, drift: "return" },
    });
    expect(guests[1]?.network?.address).toBe("10.77.0.102");
    expect(guests[1]).not.toHaveProperty("vnc");
  });

  it("names a CPU model only for a guest that does", () => {
    const guests = [
      { name: "vm1", cpu: "Westmere" },
      { name: "vm2", cpu: "host-model" },
    ];
    expect(plan(labInput({ guests })).guests.map((guest) => guest.cpu)).toEqual(["Westmere", undefined]);
    expect(plan(labInput({ guests })).guests[1]).not.toHaveProperty("cpu");
  });

  it("gives guests that have an address the name servers", () => {
    const { guests } = plan(labInput({ bridge: { dns: ["10.77.0.1"] } }));
    expect(guests[0]?.network).toMatchObject({ dns: ["10.77.0.1"] });
  });

  it("follows the lab's network", () => {
    const { lab, hosts } = plan(labInput({ lab: { network: "172.16.8.0/21", bridge: "lab1" } }));
    expect(lab).toEqual({
      network: "172.16.8.0/21",
      prefixLength: 21,
      gateway: "172.16.8.1",
      bridge: "lab1",
    });
    expect(hosts.map(({ ssh }) => ssh.address)).toEqual(["172.16.8.11", "172.16.8.12"]);
  });
});

describe("the image of a guest", () => {
  const programs = (source: string, known: Known = {}) => {
    const guests = [{ name: "vm1", workload: { type: "mysql" as const } }, { name: "vm2" }];
    const input = labInput({ image: { source }, guests });
    return planStack(parseStackConfig(input, "lab"), "lab", known).guests.map((guest) => guest.programs);
  };

  it("is built with what its workload needs, if it is built here", () => {
    expect(programs("auto")).toEqual([["mysql"], []]);
    expect(programs("debian-12")).toEqual([["mysql"], []]);
    for (const other of ["ubuntu-24.04", "/srv/a.qcow2", "https://example.org/a.qcow2"]) {
      expect(programs(other)).toEqual([[], []]);
    }
  });

  it("stays the one that its disk lies over, whatever the config says now", () => {
    expect(programs("auto", { programs: { vm1: ["office"], vm2: [] } })).toEqual([["office"], []]);
    expect(programs("ubuntu-24.04", { programs: { vm1: ["mysql"] } })).toEqual([["mysql"], []]);
  });
});

describe("the NFS client of a stack whose guests have been made", () => {
  const transport = (said: "auto" | "kernel" | "userspace", known?: "kernel" | "userspace") =>
    planStack(
      parseStackConfig(metalInput({ storage: { address: "192.0.2.10", transport: said } }), "m"),
      "m",
      {
        transport: known,
      },
    ).storage.transport;

  it("stays what it is, whichever hosts come and go, unless the config says which", () => {
    expect(transport("auto")).toBe("auto");
    expect(transport("auto", "kernel")).toBe("kernel");
    expect(transport("auto", "userspace")).toBe("userspace");
    expect(transport("kernel", "userspace")).toBe("kernel");
  });
});

describe("the plan of one's own machines", () => {
  it("reaches them as the config says", () => {
    const { storage, hosts, lab } = plan(
      metalInput({
        storage: { address: "127.0.0.1", port: 2210, user: "admin" },
        hosts: [
          { name: "host1", address: "127.0.0.1", port: 2211, migrationAddress: "10.78.0.11" },
          { name: "host2", address: "192.0.2.12" },
        ],
        ssh: { privateKeyFile: "~/.ssh/testbed", knownHosts: "accept-new" },
      }),
      "metal",
    );
    const reached = { privateKeyFile: "~/.ssh/testbed", knownHostsFile: ".testbed/metal/known_hosts" };
    expect(lab).toBeUndefined();
    expect(storage.ssh).toEqual({
      name: "storage",
      address: "127.0.0.1",
      port: 2210,
      user: "admin",
      ...reached,
    });
    expect(hosts.map(({ migrationAddress }) => migrationAddress)).toEqual(["10.78.0.11", "192.0.2.12"]);
  });

  it("leaves keys and known hosts to OpenSSH when nothing is said", () => {
    expect(plan(metalInput()).storage.ssh).toEqual({
      name: "storage",
      address: "192.0.2.10",
      port: 22,
      user: "root",
    });
  });

  it("gives none to a guest that is to have none, however many there are", () => {
    const guests = Array.from({ length: 200 }, (_, i) => ({ name: `vm${i + 1}`, address: "none" as const }));
    const placement = Object.fromEntries(guests.map(({ name }) => [name, "host1"]));
    const planned = plan(labInput({ guests, placement })).guests;
    expect(planned.filter(({ network }) => network)).toEqual([]);
    expect(
      plan(metalInput({ guests: [{ name: "vm1", address: "none" }], placement: { vm1: "host1" } })).guests,
    ).toEqual([expect.not.objectContaining({ network: expect.anything() })]);
  });

  it("has guests with an address of their own, and guests on DHCP", () => {
    const { guests } = plan(
      metalInput({
        guests: [{ name: "vm1", address: "192.0.2.101/25" }, { name: "vm2" }],
        bridge: { gateway: "192.0.2.1" },
      }),
    );
    expect(guests[0]?.network).toEqual({
      address: "192.0.2.101",
      cidr: "192.0.2.101/25",
      gateway: "192.0.2.1",
    });
    expect(guests[1]).not.toHaveProperty("network");
  });
});

describe("how a guest moves", () => {
  it("is as the stack says, but for what the guest says", () => {
    const { guests } = plan(
      labInput({
        migration: { mode: "offline", timeoutMs: 5000 },
        guests: [{ name: "vm1", migration: { mode: "cold", drift: "adopt" } }, { name: "vm2" }],
      }),
    );
    expect(guests.map(({ migration }) => migration)).toEqual([
      { mode: "cold", maxDowntimeMs: 300, timeoutMs: 5000, drift: "adopt" },
      { mode: "offline", maxDowntimeMs: 300, timeoutMs: 5000, drift: "return" },
    ]);
  });
});

// Names with and without numbers; what is made from letters may clash, and is then refused.
const letters = fc.string({
  unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz"),
  minLength: 1,
  maxLength: 12,
});
const name = fc.oneof(
  fc.integer({ min: 1, max: 300 }).map((number) => `vm${number}`),
  fc.tuple(letters, fc.integer({ min: 0, max: 99 })).map(([word, number]) => `${word}${number}`),
  letters,
);
const names = fc
  .uniqueArray(name, { minLength: 1, maxLength: 8 })
  .filter((all) => !all.some((one) => ["storage", "localhost", "host1", "host2"].includes(one)));

const withGuests = (guests: readonly string[]): StackInput =>
  labInput({
    guests: guests.map((name) => ({ name, vnc: {} })),
    placement: Object.fromEntries(guests.map((name) => [name, "host1"])),
  });

/** Plans that the checks let through. */
const accepted = names.filter((guests) => mistakesIn(withGuests(guests)).length === 0);

describe("what the plan makes of names", () => {
  it("is never the same for two guests, nor for a guest and a host", () => {
    fc.assert(
      fc.property(accepted, (guestNames) => {
        const { guests, hosts, storage, lab } = plan(withGuests(guestNames));
        const addresses = [
          lab?.gateway,
          storage.address,
          ...hosts.map(({ ssh }) => ssh.address),
          ...guests.map(({ network }) => network?.address),
        ];
        const ports = guests.map(({ vnc }) => vnc?.port);
        const macs = guests.map(({ mac }) => mac);
        for (const all of [addresses, ports, macs] as unknown[][]) expect(new Set(all).size).toBe(all.length);
      }),
    );
  });

  it("stays inside the lab's network and the ports of displays", () => {
    fc.assert(
      fc.property(accepted, (guestNames) => {
        for (const { network, vnc, mac } of plan(withGuests(guestNames)).guests) {
          expect(network?.address).toMatch(/^10\.77\.0\.(10[1-9]|1[1-9]\d|2[0-4]\d)$/);
          expect(vnc?.port).toBeGreaterThan(5900);
          expect(vnc?.port).toBeLessThan(6050);
          expect(mac).toMatch(/^52:54:00(:[0-9a-f]{2}){3}$/);
        }
      }),
    );
  });

  it("is the same whatever other guests there are, in any order", () => {
    const some = accepted.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: 1 })),
    );
    fc.assert(
      fc.property(some, ([all, fewer]) => {
        const before = new Map(plan(withGuests(all)).guests.map((guest) => [guest.name, guest]));
        for (const guest of plan(withGuests(fewer)).guests) expect(guest).toEqual(before.get(guest.name));
      }),
    );
  });

  it("is refused with a path to fix when two names have one number", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(letters, { minLength: 2, maxLength: 2 }),
        fc.integer({ min: 1, max: 149 }),
        (words, number) => {
          const found = mistakesIn(withGuests(words.map((word) => `${word}-${number}`)));
          expect(found.map(({ path }) => path)).toEqual([
            "testbed:guests[1].address",
            "testbed:guests[1].vnc.port",
          ]);
        },
      ),
    );
  });

  it("differs between stacks where they may share a LAN", () => {
    const mac = (stack: string) => plan(metalInput(), stack).guests[0]?.mac;
    expect(mac("one")).not.toBe(mac("two"));
  });
});
