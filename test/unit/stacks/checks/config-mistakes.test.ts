import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseStackConfig } from "../../../../stacks/checks/parse.ts";
import type { StackInput } from "../../../../stacks/config.ts";
import { macAddress } from "../../../../stacks/defaults.ts";
import { StackConfigError } from "../../../../stacks/mistake.ts";
import { labInput, metalInput, mistakesIn } from "../../helpers/config-stack.ts";

/** The paths to everything in a value, itself included. */
function pathsIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [path];
  const keys = Array.isArray(value) ? [...value.keys()] : [...Object.keys(value), "another"];
  return [
    path,
    ...keys.flatMap((key) => pathsIn((value as { [key: string]: unknown })[key], [...path, key])),
  ];
}

function replaced(value: unknown, [key, ...rest]: (string | number)[], by: unknown): unknown {
  if (key === undefined || typeof value !== "object" || value === null) return by;
  const copy = structuredClone(value) as { [key: string]: unknown };
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

type Guest = StackInput["guests"][number];

const lab = (changes: object) => labInput(changes as Partial<StackInput>);
const metal = (changes: object) => metalInput(changes as Partial<StackInput>);
const guests = (...guests: (Partial<Guest> | object)[]) => ({
  guests,
  placement: Object.fromEntries(guests.map((guest) => [(guest as Guest).name, "host1"])),
});
const vm = (name: string, rest: object = {}) => ({ name, ...rest });

/** One mistake each: what is written, and the line that answers it. */
const single: [title: string, raw: unknown, line: string][] = [
  // Names that Pulumi could not tell apart
  [
    "a host that is called as the export's server",
    lab({ hosts: [{ name: "host1" }, { name: "host2" }, { name: "server" }] }),
    "testbed:hosts[2].name: server is what the export's own server is called in the stack; give the host another name",
  ],
  [
    "a host that is called as another one is on the export",
    lab({ hosts: [{ name: "host1" }, { name: "host2-client" }, { name: "host2" }] }),
    "testbed:hosts[1].name: host2-client is also what host host2 is called as a client of the export; give the host another name",
  ],
  [
    "a disk that is called as another guest's overlay",
    lab(guests(vm("vm1", { disks: [{ name: "data-overlay", sizeGiB: 1 }] }), vm("vm1-disk-data"))),
    "testbed:guests[0].disks[0].name: with it, vm1-disk-data-overlay would be this disk, and the overlay of guest vm1-disk-data; give the disk another name",
  ],
  // Shape
  [
    "a misspelt section",
    lab({ migraton: {} }),
    'testbed:migraton: there is no such key; keys here are lab, storage, hosts, ssh, bridge, image, guests, placement, drain, policy, affinity, off, lost and migration (did you mean "migration"?)',
  ],
  [
    "a misspelt key of a guest",
    lab(guests(vm("vm1", { memoryMib: 512 }))),
    'testbed:guests[0].memoryMib: there is no such key; keys here are name, memoryMiB, vcpus, cpu, firmware, diskGiB, redo, disks, mac, nics, address, fixed, vnc, workload and migration (did you mean "memoryMiB"?)',
  ],
  [
    "a misspelt key deep inside",
    lab(guests(vm("vm1", { vnc: { prot: 5901 } }))),
    'testbed:guests[0].vnc.prot: there is no such key; keys here are port, listen and password (did you mean "port"?)',
  ],
  [
    "a key unlike any other",
    lab({ ssh: { zzz: 1 } }),
    "testbed:ssh.zzz: there is no such key; keys here are privateKeyFile and knownHosts",
  ],
  [
    "a text for a number",
    lab(guests(vm("vm1", { memoryMiB: "1G" }))),
    'testbed:guests[0].memoryMiB: "1G" is not a number; give memory in MiB, such as 512',
  ],
  [
    "a fraction of a CPU",
    lab(guests(vm("vm1", { vcpus: 1.5 }))),
    "testbed:guests[0].vcpus: 1.5 is not a whole number; give the number of CPUs",
  ],
  [
    "a key without a value",
    lab({ migration: { mode: null } }),
    "testbed:migration.mode: is empty; give live, postcopy, hybrid, offline, cold or auto, or leave the key out",
  ],
  [
    "a section without keys",
    lab({ ssh: null }),
    "testbed:ssh: is empty; give the way to log in to the hosts (the lab has its own), or leave the key out",
  ],
  [
    "a mode that is not there",
    lab({ migration: { mode: "offlin" } }),
    'testbed:migration.mode: "offlin" does not fit; give live, postcopy, hybrid, offline, cold or auto (did you mean "offline"?)',
  ],
  [
    "a guest's mode that is not there",
    lab(guests(vm("vm1", { migration: { mode: "warm" } }))),
    'testbed:guests[0].migration.mode: "warm" does not fit; give live, postcopy, hybrid, offline, cold or auto',
  ],
  [
    "a mode that is not there, with options of which nobody knows whether it could do them",
    lab({ migration: { mode: "warm", transport: "tunnelled", onTimeout: "postcopy" } }),
    'testbed:migration.mode: "warm" does not fit; give live, postcopy, hybrid, offline, cold or auto',
  ],
  [
    "a mode that is not there, with options of guests",
    lab({
      ...guests(vm("vm1", { migration: { transport: "tunnelled" } }), vm("vm2", { redo: "local" })),
      migration: { mode: "warm" },
    }),
    'testbed:migration.mode: "warm" does not fit; give live, postcopy, hybrid, offline, cold or auto',
  ],
  [
    "an option that the mode cannot do",
    lab({ migration: { mode: "offline", autoConverge: {} } }),
    "testbed:migration.autoConverge: slows a guest down that gets its memory dirty too fast for pre-copy, and the mode is offline; leave it out, or move live or hybrid",
  ],
  [
    "an option that a guest's own mode cannot do",
    lab(guests(vm("vm1", { migration: { mode: "postcopy", compression: "xbzrle" } }))),
    "testbed:guests[0].migration.compression: is of memory that pre-copy sends, and the mode is postcopy; leave it out, or move live or hybrid",
  ],
  [
    "a guest's option that does not fit what is said for all",
    {
      ...lab(guests(vm("vm1", { migration: { transport: "tunnelled" } }))),
      migration: { parallelConnections: 2 },
    },
    "testbed:guests[0].migration.transport: tunnelled goes over libvirt's only connection, and parallelConnections is given; take tls, or leave out parallelConnections",
  ],
  [
    "a way of moving that cannot copy a disk, for a guest whose disk is to be copied",
    {
      ...lab(guests(vm("vm1", { redo: "local" }))),
      migration: { transport: "tunnelled" },
    },
    "testbed:guests[0].migration.transport: tunnelled carries memory alone, and the guest's overlay is local, to be copied by QEMU; take tls, which is encrypted too, or redo: shared",
  ],
  [
    "too little memory",
    lab(guests(vm("vm1", { memoryMiB: 32 }))),
    "testbed:guests[0].memoryMiB: 32 is out of range, at least 64; give memory in MiB, such as 512",
  ],
  [
    "memory in bytes",
    lab(guests(vm("vm1", { memoryMiB: 1073741824 }))),
    "testbed:guests[0].memoryMiB: 1073741824 is out of range, at most 4194304; give memory in MiB, such as 512",
  ],
  [
    "no CPU",
    lab(guests(vm("vm1", { vcpus: 0 }))),
    "testbed:guests[0].vcpus: 0 is out of range, at least 1; give the number of CPUs",
  ],
  [
    "a disk that no system fits on",
    lab(guests(vm("vm1", { diskGiB: 1 }))),
    "testbed:guests[0].diskGiB: 1 is out of range, at least 2; give the disk's size as the guest sees it, in GiB, for life; it takes only what is written",
  ],
  [
    "a port that is none",
    metal({ storage: { address: "192.0.2.10", port: 70000 } }),
    "testbed:storage.port: 70000 is out of range, at most 65535; give the storage host's SSH port, such as 2222",
  ],
  [
    "a name that cannot be a hostname",
    lab(guests(vm("Web_1"))),
    'testbed:guests[0].name: "Web_1" does not fit; give the guest\'s name, which is its hostname too: lower-case letters, digits and hyphens, such as vm1',
  ],
  [
    "a name that leads out of its folder",
    lab(guests(vm("../vm1"))),
    'testbed:guests[0].name: "../vm1" does not fit; give the guest\'s name, which is its hostname too: lower-case letters, digits and hyphens, such as vm1',
  ],
  [
    "a name that is too long",
    lab(guests(vm("v".repeat(33)))),
    `testbed:guests[0].name: "${"v".repeat(33)}" is too long; give the guest's name, which is its hostname too: lower-case letters, digits and hyphens, such as vm1`,
  ],
  [
    "a guest without a name",
    lab({ guests: [{ memoryMiB: 512 }], placement: {} }),
    "testbed:guests[0].name: is missing; give the guest's name, which is its hostname too: lower-case letters, digits and hyphens, such as vm1",
  ],
  [
    "a CPU that no guest could take elsewhere",
    lab(guests(vm("vm1", { cpu: "host-passthrough" }))),
    'testbed:guests[0].cpu: "host-passthrough" does not fit; give host-model, the best CPU that all hosts can give, or a model by its name in libvirt, which every host must have (virsh cpu-models x86_64), such as Westmere',
  ],
  [
    "a MAC address in another notation",
    lab(guests(vm("vm1", { mac: "52-54-00-10-55-ef" }))),
    'testbed:guests[0].mac: "52-54-00-10-55-ef" does not fit; give a MAC address, in quotes, such as 52:54:00:10:55:ef',
  ],
  [
    "a guest's address that is none",
    lab(guests(vm("vm1", { address: "10.77.0.300" }))),
    'testbed:guests[0].address: "10.77.0.300" does not fit; give an IPv4 address, for life; with its prefix, unless it is in the lab; or none: it gets none here, and nobody waits until it answers, such as 192.0.2.101/24',
  ],
  [
    "an IPv6 address of a guest",
    lab(guests(vm("vm1", { address: "2001:db8::1" }))),
    'testbed:guests[0].address: "2001:db8::1" is an IPv6 address, which cannot be used here; give an IPv4 address, for life; with its prefix, unless it is in the lab; or none: it gets none here, and nobody waits until it answers (IPv4: hosts and guests do not use IPv6 here), such as 192.0.2.101/24',
  ],
  ...["2001:db8::1", "[2001:db8::1]", "fe80::1%eth0", "::1", "2001:db8::/64", "::ffff:192.0.2.1"].map(
    (address): [string, StackInput, string] => [
      `an IPv6 address of the storage host: ${address}`,
      metal({ storage: { address } }),
      `testbed:storage.address: "${address}" is an IPv6 address, which cannot be used here; give the address of the storage host, for this machine and for the hosts (IPv4: hosts and guests do not use IPv6 here), such as 192.0.2.10`,
    ],
  ),
  [
    "a user with a blank",
    metal({ storage: { address: "192.0.2.10", user: "the admin" } }),
    'testbed:storage.user: "the admin" does not fit; give the user to log in as, in ASCII letters, digits and any of _ . - @ \\; one other than root needs sudo without a password, such as admin',
  ],
  ...["pässword", "two word", "12345678\t"].map((password): [string, StackInput, string] => [
    `a VNC password that VNC cannot have: ${password}`,
    lab(guests(vm("vm1", { vnc: { password } }))),
    "testbed:guests[0].vnc.password: this secret does not fit; give the display's password, 1 to 8 ASCII characters without blanks (VNC takes no more), best set with --secret",
  ]),
  [
    "an export path that is relative",
    lab({ storage: { export: "export/testbed" } }),
    'testbed:storage.export: "export/testbed" does not fit; give the folder that is exported over NFS: an absolute path without blanks or `..`',
  ],
  [
    "an export path with a blank",
    lab({ storage: { export: "/export/my disks" } }),
    'testbed:storage.export: "/export/my disks" does not fit; give the folder that is exported over NFS: an absolute path without blanks or `..`',
  ],
  [
    "an export path that climbs",
    lab({ storage: { export: "/export/../etc" } }),
    'testbed:storage.export: "/export/../etc" does not fit; give the folder that is exported over NFS: an absolute path without blanks or `..`',
  ],
  [
    "a release that the lab has no base for",
    lab({ lab: { release: "debian-11" as "debian-12" } }),
    'testbed:lab.release: "debian-11" does not fit; give debian-12 or debian-13',
  ],
  [
    "an image that nobody knows",
    lab({ image: { source: "ubuntu-22.04" } }),
    'testbed:image.source: "ubuntu-22.04" does not fit; give auto (Ubuntu where it can be had, else Debian), ubuntu-24.04, ubuntu-26.04, debian-12, debian-13, a path that begins with /, ./ or ~/, or a URL',
  ],
  [
    "a checksum that is cut short",
    lab({ image: { source: "/guest.qcow2", sha256: "abc" } }),
    'testbed:image.sha256: "abc" does not fit; give the SHA-256 of the image that source\'s path or URL leads to, 64 hexadecimal digits',
  ],
  [
    "an interface name that Linux does not take",
    lab({ bridge: { name: "a-bridge-with-a-long-name" } }),
    'testbed:bridge.name: "a-bridge-with-a-long-name" does not fit; give the bridge\'s name on every host',
  ],
  [
    "a password that YAML took for a number",
    lab(guests(vm("vm1", { vnc: { password: 12345678 } }))),
    "testbed:guests[0].vnc.password: this secret is not a text; give the display's password, 1 to 8 ASCII characters without blanks (VNC takes no more), best set with --secret, in quotes",
  ],
  [
    "a password that VNC would cut off",
    lab(guests(vm("vm1", { vnc: { password: "123456789" } }))),
    "testbed:guests[0].vnc.password: this secret does not fit; give the display's password, 1 to 8 ASCII characters without blanks (VNC takes no more), best set with --secret",
  ],
  [
    "a single host",
    lab({ hosts: [{ name: "host1" }], placement: { vm1: "host1", vm2: "host1" } }),
    "testbed:hosts: it has 1, where at least 2 are needed; give a list of the KVM hosts, two or more",
  ],
  [
    "no placement",
    { lab: {}, hosts: [vm("host1"), vm("host2")], guests: [vm("vm1")] },
    'testbed:placement: guest "vm1" has no host; add the line "vm1: host1"; hosts are host1 and host2; or let policy.kind balance find one',
  ],
  [
    "a drained host that is not there",
    lab({ drain: ["hots2"] }),
    'testbed:drain[0]: there is no host "hots2"; hosts are host1 and host2 (did you mean "host2"?)',
  ],
  [
    "a drained host that is not a name",
    lab({ drain: [2] }),
    "testbed:drain[0]: 2 is not a text; give a host's name, in quotes, such as host2",
  ],
  [
    "a drained host that is not in a list",
    lab({ drain: "host2" }),
    'testbed:drain: "host2" is not a list; give a list of hosts that are to be empty: guests placed there run on the other hosts meanwhile, such as [host2]',
  ],
  [
    "all hosts drained",
    lab({ drain: ["host1", "host2"] }),
    "testbed:drain: all hosts are drained, and vm1 and vm2 have nowhere to go; leave out one of host1 and host2, or add a host",
  ],
  [
    "a section that is a word",
    lab({ lab: "yes" }),
    'testbed:lab: "yes" is not a group of keys; give the lab\'s own settings; with them the hosts are containers on this machine, such as {}',
  ],

  [
    "a workload that is not there",
    lab(guests(vm("vm1", { workload: { type: "memry" } }))),
    'testbed:guests[0].workload.type: "memry" does not fit; give idle, memory, cpu, disk, python, mysql or office (did you mean "memory"?)',
  ],
  [
    "a workload without its type",
    lab(guests(vm("vm1", { workload: {} }))),
    "testbed:guests[0].workload.type: is missing; give idle, memory, cpu, disk, python, mysql or office",
  ],
  [
    "a workload that is a word",
    lab(guests(vm("vm1", { workload: "memory" }))),
    'testbed:guests[0].workload: "memory" is not a group of keys; give what the guest keeps doing, for life, such as {type: memory, mibPerSecond: 20, workingSetMiB: 256}',
  ],
  [
    "another workload's key",
    lab(guests(vm("vm1", { workload: { type: "disk", mibPerSecond: 1, workingSetMiB: 4 } }))),
    "testbed:guests[0].workload.workingSetMiB: there is no such key; keys here are type and mibPerSecond",
  ],
  [
    "a rate of nothing",
    lab(guests(vm("vm1", { workload: { type: "disk", mibPerSecond: 0 } }))),
    "testbed:guests[0].workload.mibPerSecond: 0 is out of range, more than 0; give MiB appended and flushed to the disk each second",
  ],
  [
    "a working set that the guest has no memory for",
    lab(
      guests(
        vm("vm1", { memoryMiB: 512, workload: { type: "memory", mibPerSecond: 20, workingSetMiB: 400 } }),
      ),
    ),
    "testbed:guests[0].workload.workingSetMiB: a working set of 400 MiB does not fit into a guest of 512 MiB: at most 320 MiB, as the system needs 192 MiB; make it smaller, or give the guest more memoryMiB",
  ],

  // Placement
  [
    "a host that is not there",
    lab({ placement: { vm1: "hots2", vm2: "host2" } }),
    'testbed:placement.vm1: there is no host "hots2"; hosts are host1 and host2 (did you mean "host2"?)',
  ],
  [
    "a host that could be either",
    lab({ placement: { vm1: "host3", vm2: "host2" } }),
    'testbed:placement.vm1: there is no host "host3"; hosts are host1 and host2',
  ],
  [
    "a guest that is not there",
    lab({ placement: { vm1: "host1", vm2: "host2", wm1: "host1" } }),
    'testbed:placement.wm1: there is no guest "wm1"; guests are vm1 and vm2 (did you mean "vm1"?)',
  ],
  [
    "a guest without a host",
    lab({ placement: { vm1: "host1" } }),
    'testbed:placement: guest "vm2" has no host; add the line "vm2: host1"; hosts are host1 and host2; or let policy.kind balance find one',
  ],

  // Things that only one may have
  [
    "two guests with one name",
    lab({ guests: [vm("vm1"), vm("vm1")], placement: { vm1: "host1" } }),
    "testbed:guests[1].name: the name vm1 is taken by guests[0]; hosts, guests and the storage host all need names of their own",
  ],
  [
    "a guest with a host's name",
    lab(guests(vm("host1"))),
    "testbed:guests[0].name: the name host1 is taken by hosts[0]; hosts, guests and the storage host all need names of their own",
  ],
  [
    "a host with the storage host's name",
    lab({ hosts: [vm("host1"), vm("host2"), vm("storage")] }),
    "testbed:hosts[2].name: the name storage is taken by the storage host; hosts, guests and the storage host all need names of their own",
  ],
  [
    "a guest called localhost",
    lab(guests(vm("localhost"))),
    "testbed:guests[0].name: the name localhost is taken by every machine, for itself; hosts, guests and the storage host all need names of their own",
  ],
  [
    "two disks of one name",
    lab(
      guests(
        vm("vm1", {
          disks: [
            { name: "data", sizeGiB: 1 },
            { name: "data", sizeGiB: 2 },
          ],
        }),
      ),
    ),
    "testbed:guests[0].disks[1].name: the name data is taken by guest vm1's disk 1; give each disk of a guest a name of its own",
  ],
  [
    "a disk's name that is longer than a serial number",
    lab(guests(vm("vm1", { disks: [{ name: "a-name-of-22-letters-x", sizeGiB: 1 }] }))),
    'testbed:guests[0].disks[0].name: "a-name-of-22-letters-x" is too long; give a name of its own in this guest, which finds it there as /dev/disk/by-id/virtio-<name>: at most 20 lower-case letters, digits and hyphens, such as data',
  ],
  [
    "disks on the export of a guest whose system is on its host",
    lab(guests(vm("vm1", { redo: "local", disks: [{ name: "data", sizeGiB: 1 }] }))),
    "testbed:guests[0].disks: lie on the export, and what the system writes on the host (redo: local): a memory that was saved is kept only with all disks on one machine; leave them out, or set redo: shared; redo is for life, so that takes another guest",
  ],
  [
    "a bridge that a lab's hosts lack",
    lab(guests(vm("vm1", { nics: [{ bridge: "br0" }, { bridge: "br1" }] }))),
    "testbed:guests[0].nics[1].bridge: br1 is on none of the lab's hosts; leave it out: they have br0",
  ],
  [
    "a card with another guest's address",
    lab(guests(vm("vm1"), vm("vm2", { nics: [{ address: "10.77.0.101/24" }] }))),
    "testbed:guests[1].nics[0].address: the address 10.77.0.101 is taken by guest vm1; give it an address of its own",
  ],
  [
    "a card's address that is its network's",
    lab(guests(vm("vm1", { nics: [{ address: "198.51.100.0/24" }] }))),
    "testbed:guests[0].nics[0].address: 198.51.100.0 is no machine's address in 198.51.100.0/24; give one of 198.51.100.1 to 198.51.100.254",
  ],
  [
    "a card with the guest's own MAC address",
    lab(guests(vm("vm1", { mac: "52:54:00:10:55:ef", nics: [{ mac: "52:54:00:10:55:EF" }] }))),
    "testbed:guests[0].nics[0].mac: the MAC address 52:54:00:10:55:ef is taken by guest vm1; give it one of its own",
  ],
  [
    "two guests with one MAC address",
    lab(guests(vm("vm1", { mac: "52:54:00:10:55:EF" }), vm("vm2", { mac: "52:54:00:10:55:ef" }))),
    "testbed:guests[1].mac: the MAC address 52:54:00:10:55:ef is taken by guest vm1; give it one of its own",
  ],
  [
    "a MAC address that another guest has by default",
    lab(guests(vm("vm1", { mac: macAddress("lab", "vm2") }), vm("vm2"))),
    `testbed:guests[1].mac: the MAC address ${macAddress("lab", "vm2")} is taken by guest vm1; give it one of its own`,
  ],
  [
    "two guests with one VNC port",
    lab(guests(vm("vm1", { vnc: { port: 5950 } }), vm("vm2", { vnc: { port: 5950 } }))),
    "testbed:guests[1].vnc.port: the port 5950 is taken by guest vm1's VNC display; guests meet on the hosts: give each a port of its own, or leave it out",
  ],
  [
    "a VNC port that another guest has by default",
    lab(guests(vm("vm1", { vnc: { port: 5902 } }), vm("vm2", { vnc: {} }))),
    "testbed:guests[1].vnc.port: the port 5902 is taken by guest vm1's VNC display; guests meet on the hosts: give each a port of its own, or leave it out",
  ],
  [
    "one migration port for two guests",
    lab({ migration: { port: 49300 } }),
    "testbed:migration.port: the port 49300 is taken by guest vm1's migration; guests meet on the hosts: give each a port of its own, or leave it out",
  ],
  [
    "two guests with one address",
    lab(guests(vm("vm1", { address: "10.77.0.150" }), vm("vm2", { address: "10.77.0.150" }))),
    "testbed:guests[1].address: the address 10.77.0.150 is taken by guest vm1; give it an address of its own",
  ],
  [
    "two guests whose names have one number",
    lab(guests(vm("web1"), vm("db1"))),
    "testbed:guests[1].address: the address 10.77.0.101, which its name gives it, is taken by guest web1; give it an address of its own",
  ],
  [
    "two guests whose names' letters make one number",
    lab(guests(vm("office"), vm("app"))),
    "testbed:guests[1].address: the address 10.77.0.246, which its name gives it, is taken by guest office; give it an address of its own",
  ],
  [
    "a guest with the address that another's name gives",
    lab(guests(vm("vm1"), vm("vm2", { address: "10.77.0.101" }))),
    "testbed:guests[1].address: the address 10.77.0.101 is taken by guest vm1; give it an address of its own",
  ],
  [
    "two hosts whose names have one number",
    lab({ hosts: [vm("host1"), vm("host2"), vm("node1")] }),
    "testbed:hosts[2].address: the address 10.77.0.11, which its name gives it, is taken by host host1; give it an address of its own",
  ],
  [
    "a guest with a host's address",
    lab(guests(vm("vm1", { address: "10.77.0.12" }))),
    "testbed:guests[0].address: the address 10.77.0.12 is taken by host host2; give it an address of its own",
  ],
  [
    "a host with the storage host's address",
    lab({ hosts: [vm("host1", { address: "10.77.0.10" }), vm("host2")] }),
    "testbed:hosts[0].address: the address 10.77.0.10 is taken by the storage host; give it an address of its own",
  ],
  [
    "two machines with one address",
    metal({ hosts: [vm("host1", { address: "192.0.2.11" }), vm("host2", { address: "192.0.2.11" })] }),
    "testbed:hosts[1].address: the address 192.0.2.11 is taken by host host1; give it an address of its own",
  ],
  [
    "hosts behind one address that cannot tell each other apart",
    metal({
      hosts: [
        vm("host1", { address: "127.0.0.1", port: 2211 }),
        vm("host2", { address: "127.0.0.1", port: 2212 }),
      ],
    }),
    "testbed:hosts[1].migrationAddress: the migration address 127.0.0.1 is taken by host host1; give each host the address that the other hosts reach it at",
  ],

  // The lab
  [
    "a lab network that is an address",
    lab({ lab: { network: "10.77.0.5/24" } }),
    "testbed:lab.network: 10.77.0.5/24 is an address in a network; the network is 10.77.0.0/24",
  ],
  [
    "a lab network that is too small",
    lab({ lab: { network: "10.77.0.64/26" } }),
    "testbed:lab.network: 10.77.0.64/26 is too small for the lab's hosts and guests; give 10.77.0.0/24 or a larger one",
  ],
  [
    "a lab network that is someone else's",
    lab({ lab: { network: "8.8.8.0/24" } }),
    "testbed:lab.network: 8.8.8.0/24 is not a private network; give one inside 10/8, 172.16/12 or 192.168/16",
  ],
  [
    "a lab host outside of the lab's network",
    lab({ hosts: [vm("host1", { address: "10.78.0.11" }), vm("host2")] }),
    "testbed:hosts[0].address: 10.78.0.11 is not free in the lab's network 10.77.0.0/24; give one of 10.77.0.2 to 10.77.0.254",
  ],
  [
    "a lab host with this machine's address",
    lab({ hosts: [vm("host1", { address: "10.77.0.1" }), vm("host2")] }),
    "testbed:hosts[0].address: 10.77.0.1 is not free in the lab's network 10.77.0.0/24; give one of 10.77.0.2 to 10.77.0.254",
  ],
  [
    "a lab guest with the broadcast address",
    lab(guests(vm("vm1", { address: "10.77.0.255" }))),
    "testbed:guests[0].address: 10.77.0.255 is not free in the lab's network 10.77.0.0/24; give one of 10.77.0.2 to 10.77.0.254",
  ],
  [
    "a lab guest's address with a prefix",
    lab(guests(vm("vm1", { address: "10.77.0.150/24" }))),
    "testbed:guests[0].address: 10.77.0.150/24 has a prefix; give 10.77.0.150",
  ],
  [
    "a setting that the lab would pass over",
    lab({ hosts: [vm("host1", { user: "admin" }), vm("host2")] }),
    "testbed:hosts[0].user: is for machines of your own; the lab sets it; leave it out, or leave out testbed:lab",
  ],
  [
    "a key for the lab's hosts",
    lab({ ssh: { privateKeyFile: "~/.ssh/id" } }),
    "testbed:ssh.privateKeyFile: is for machines of your own; the lab sets it; leave it out, or leave out testbed:lab",
  ],

  // Machines of one's own
  [
    "the size of a machine",
    metal({
      hosts: [vm("host1", { address: "192.0.2.11", cpus: 2 }), vm("host2", { address: "192.0.2.12" })],
    }),
    "testbed:hosts[0].cpus: is for a lab's hosts; a machine of your own has what it has; leave it out",
  ],
  [
    "the system of a machine",
    metal({
      hosts: [
        vm("host1", { address: "192.0.2.11", release: "debian-13" }),
        vm("host2", { address: "192.0.2.12" }),
      ],
    }),
    "testbed:hosts[0].release: is for a lab's hosts; a machine of your own has what it has; leave it out",
  ],
  [
    "a host without an address",
    metal({ hosts: [vm("host1", { address: "192.0.2.11" }), vm("host2")] }),
    "testbed:hosts[1].address: is missing; give the address that host host2 is reached at, or add testbed:lab: {}",
  ],
  [
    "a storage host without an address",
    metal({ storage: {} }),
    "testbed:storage.address: is missing; give the address that the storage host is reached at, or add testbed:lab: {}",
  ],
  [
    "an address with a blank",
    metal({ storage: { address: "192.0.2.10 " } }),
    'testbed:storage.address: "192.0.2.10 " does not fit; give the address of the storage host, for this machine and for the hosts, such as 192.0.2.10',
  ],
  [
    "a guest's address without its network",
    metal(guests(vm("vm1", { address: "192.0.2.101" }))),
    "testbed:guests[0].address: 192.0.2.101 does not say its network; give it with its prefix, such as 192.0.2.101/24",
  ],
  [
    "a guest's address that is a network's",
    metal(guests(vm("vm1", { address: "192.0.2.0/24" }))),
    "testbed:guests[0].address: 192.0.2.0 is no machine's address in 192.0.2.0/24; give one of 192.0.2.1 to 192.0.2.254",
  ],
  [
    "a gateway that no guest reaches",
    metal({ ...guests(vm("vm1", { address: "192.0.2.101/24" })), bridge: { gateway: "198.51.100.1" } }),
    "testbed:bridge.gateway: 198.51.100.1 is in no guest's network; give an address in 192.0.2.0/24",
  ],

  // Values that are well formed and cannot work
  [
    "a group's MAC address",
    lab(guests(vm("vm1", { mac: "53:54:00:10:55:ef" }))),
    `testbed:guests[0].mac: 53:54:00:10:55:ef is a group's address (multicast); give one that begins with 52:54:00, or leave it out`,
  ],
  [
    "a MAC address of the hosts' side",
    lab(guests(vm("vm1", { mac: "fe:54:00:10:55:ef" }))),
    `testbed:guests[0].mac: fe:54:00:10:55:ef begins with fe, which libvirt keeps for the hosts' side; give one that begins with 52:54:00, or leave it out`,
  ],
  [
    "a MAC address of zeros",
    lab(guests(vm("vm1", { mac: "00:00:00:00:00:00" }))),
    `testbed:guests[0].mac: 00:00:00:00:00:00 is no machine's address; give one that begins with 52:54:00, or leave it out`,
  ],
  [
    "a display that is open to all",
    lab(guests(vm("vm1", { vnc: { listen: "0.0.0.0" } }))),
    "testbed:guests[0].vnc.password: is missing: the display of guest vm1 would be open to the whole network; set one (pulumi config set --secret --path 'testbed:guests[0].vnc.password'), or listen: 127.0.0.1",
  ],
  [
    "a display at an address that only one host has",
    lab(guests(vm("vm1", { vnc: { listen: "192.0.2.11" } }))),
    'testbed:guests[0].vnc.listen: "192.0.2.11" does not fit; give 127.0.0.1 or 0.0.0.0',
  ],
  [
    "an export of the system's own folder",
    lab({ storage: { export: "/etc/testbed" } }),
    "testbed:storage.export: /etc/testbed belongs to the storage host's own system; give a folder for guests' disks, such as /export/testbed",
  ],
  [
    "an export of all of /home",
    lab({ storage: { export: "/home" } }),
    "testbed:storage.export: /home belongs to the storage host's own system; give a folder for guests' disks, such as /export/testbed",
  ],
  [
    "a checksum for an image that has its own",
    lab({ image: { source: "debian-12", sha256: "0".repeat(64) } }),
    'testbed:image.sha256: "debian-12" comes with its own checksum; leave it out, or give the image\'s path or URL as source',
  ],
  [
    "an image that anyone could change on its way",
    lab({ image: { source: "http://example.org/guest.qcow2" } }),
    "testbed:image.sha256: is missing: an image over plain http can be changed on its way; give it, or an https URL",
  ],
  [
    "a bridge that joins itself",
    lab({ bridge: { name: "br1", uplink: "br1" } }),
    "testbed:bridge.uplink: br1 is the bridge itself; give the interface that joins it",
  ],
  [
    "a lab's bridge that nothing joins",
    lab({ bridge: { uplink: "none" } }),
    "testbed:bridge.uplink: none would leave the lab's guests where nobody reaches them; leave it out",
  ],
];

describe("a mistake in a stack's config", () => {
  it.each(single)("%s", (_, raw, line) => {
    const found = mistakesIn(raw).map(({ path, problem, fix }) => `${path}: ${problem}; ${fix}`);
    expect(found).toEqual([line]);
  });

  it.each(["..", ".", "-x", "_x"])("is a stack called %s, whose folders would be others'", (stack) => {
    const [found] = mistakesIn(lab({}), stack);
    expect(found?.problem).toContain(
      `the stack's own name "${stack}" does not begin with a letter or a digit`,
    );
  });

  it.each(["ip6-localhost", "ip6-allnodes"])("is a host called %s, as /etc/hosts has it", (name) => {
    expect(mistakesIn(lab(guests(vm(name))))[0]?.problem).toContain(`the name ${name} is taken`);
  });

  it("is told together with all others, by section, whatever else is broken", () => {
    const raw = lab({
      storage: { export: "/etc" },
      hosts: [vm("host1"), vm("host2", { adress: "10.77.0.12" })],
      guests: [vm("vm1", { memoryMiB: "1G" }), vm("vm2", { mac: "01:00:5e:00:00:01" })],
      placement: { vm1: "host9", vm3: "host1" },
      lan: {},
    });
    expect(mistakesIn(raw).map(({ path }) => path)).toEqual([
      "testbed:lan",
      "testbed:storage.export",
      "testbed:hosts[1].adress",
      "testbed:guests[0].memoryMiB",
      "testbed:guests[1].mac",
      "testbed:placement.vm1",
      "testbed:placement.vm3",
      "testbed:placement",
    ]);
  });

  it("is a line of a message made for the terminal", () => {
    const raw = lab({ placement: { vm1: "hots2", vm2: "host2" }, migration: { mode: "warm" } });
    expect(() => parseStackConfig(raw, "lab")).toThrow(
      new StackConfigError([
        {
          path: "testbed:placement.vm1",
          problem: 'there is no host "hots2"',
          fix: 'hosts are host1 and host2 (did you mean "host2"?)',
        },
        {
          path: "testbed:migration.mode",
          problem: '"warm" does not fit',
          fix: "give live, postcopy, hybrid, offline, cold or auto",
        },
      ]),
    );
    expect(() => parseStackConfig(raw, "lab")).toThrow(
      [
        "The stack's config has 2 mistakes; nothing was touched:",
        '  testbed:placement.vm1: there is no host "hots2"; hosts are host1 and host2 (did you mean "host2"?)',
        '  testbed:migration.mode: "warm" does not fit; give live, postcopy, hybrid, offline, cold or auto',
      ].join("\n"),
    );
  });

  it("draws no others after it: what is refused is not judged by what would be there by default", () => {
    const paths = (raw: unknown) => mistakesIn(raw).map(({ path }) => path);
    const taken = vm("vm2", { address: "10.77.0.101", mac: macAddress("lab", "vm1"), vnc: { port: 5901 } });
    const refused = vm("vm1", { address: "10.77.0", mac: "52:54", vnc: { port: 1 } });
    expect(paths(lab(guests(refused, taken)))).toEqual([
      "testbed:guests[0].mac",
      "testbed:guests[0].address",
      "testbed:guests[0].vnc.port",
    ]);
    const elsewhere = [vm("host1", { address: "10.99.0.11" }), vm("host2")];
    expect(paths(lab({ lab: { network: "10.99.0.0" }, hosts: elsewhere }))).toEqual(["testbed:lab.network"]);
  });

  const whole = { storage: { address: "192.0.2.10" }, ssh: {}, bridge: {}, migration: { port: 49300 } };
  const one = guests(
    vm("vm1", { vnc: {}, migration: {}, workload: { type: "memory", mibPerSecond: 1, workingSetMiB: 1 } }),
  );
  it.each([
    ["a lab", lab({ ...whole, storage: {}, ...one })],
    ["machines of one's own", metal({ ...whole, ...one })],
  ])("is all that any change can lead to: %s", (_, valid) => {
    expect(mistakesIn(valid)).toEqual([]);
    fc.assert(
      fc.property(
        fc.subarray(pathsIn(valid), { minLength: 1, maxLength: 3 }),
        fc.jsonValue(),
        (at, value) => {
          const broken = at.reduce((raw, path) => replaced(raw, path, value), valid as unknown);
          for (const { path, problem, fix } of mistakesIn(broken)) {
            expect(path).toMatch(/^testbed(:|$)/);
            expect(`${problem}${fix}`).not.toMatch(/undefined|\[object|Invalid/);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("is told of a value that cannot be written as a text", () => {
    const workload = { type: { toString: "" } };
    expect(mistakesIn(lab(guests(vm("vm1", { workload }))))).toMatchObject([
      { path: "testbed:guests[0].workload.type", problem: "a group of keys does not fit" },
    ]);
  });

  it("never shows a secret", () => {
    const raw = lab(guests(vm("vm1", { vnc: { password: "hunter2-and-more" } })));
    expect(JSON.stringify(mistakesIn(raw))).not.toContain("hunter2");
  });

  it("is not the only answer to a stack without any config", () => {
    expect(mistakesIn({}).map(({ path, problem }) => `${path} ${problem}`)).toEqual([
      "testbed:storage.address is missing",
      "testbed:hosts is missing",
      "testbed:guests is missing",
    ]);
    expect(mistakesIn(undefined)).toHaveLength(1);
  });
});

describe("what is no mistake", () => {
  it.each<[title: string, raw: unknown]>([
    ["a lab on a larger network", lab({ lab: { network: "172.16.0.0/16" } })],
    ["a guest's address of one's own choice", lab(guests(vm("web", { address: "10.77.0.50" })))],
    [
      "machines behind forwarded ports of one address",
      metal({
        storage: { address: "127.0.0.1", port: 2210 },
        hosts: [
          vm("host1", { address: "127.0.0.1", port: 2211, migrationAddress: "10.78.0.11" }),
          vm("host2", { address: "127.0.0.1", port: 2212, migrationAddress: "10.78.0.12" }),
        ],
      }),
    ],
    [
      "one migration port when one guest has its own",
      lab({ migration: { port: 49300 }, ...guests(vm("vm1"), vm("vm2", { migration: { port: 49301 } })) }),
    ],
    ["an image over https", lab({ image: { source: "https://example.org/guest.qcow2" } })],
    ["a folder deep in /var", lab({ storage: { export: "/var/lib/testbed" } })],
    ["a display without a password for the host alone", lab(guests(vm("vm1", { vnc: {} })))],
  ])("%s", (_, raw) => {
    expect(mistakesIn(raw)).toEqual([]);
  });
});
