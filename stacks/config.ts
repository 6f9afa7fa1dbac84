import * as z from "zod";
import { publishedNames } from "../images/published.ts";
import { defaultRelease, labReleases } from "../lab/release.ts";
import { defaultReserveMiB } from "../placement/terms/cluster.ts";
import {
  cidr,
  exportPath,
  filePath,
  hostAddress,
  interfaceText,
  ipv4,
  nameText,
  port,
  section,
  userDescription,
  userText,
} from "./config-texts.ts";
import {
  defaultBridge,
  defaultExport,
  defaultNetwork,
  defaultPool,
  defaultStorageName,
  defaultWakeSeconds,
} from "./defaults.ts";
import { guest } from "./guest-config.ts";
import { type anyMigration, stackMigration } from "./migration-config.ts";
import { affinitySection, policySection } from "./policy-config.ts";

/**
 * What a stack may say, under the namespace `testbed`. This schema is the only place where it is said: the types,
 * the JSON schema for editors and docs/config.md come from it, and its descriptions are what errors answer with
 * ("give memory in MiB, such as 512"). Rules between keys are in checks/.
 */

export const imageNames = ["auto", ...publishedNames, "debian-12"] as const;
const image = z
  .string()
  .regex(
    /^(auto|ubuntu-24\.04|ubuntu-26\.04|debian-13|debian-12|(\/|~\/|\.{1,2}\/)[^\0\n]+|https?:\/\/\S+)$/,
  );

const lab = section({
  network: cidr
    .default(defaultNetwork)
    .describe(
      "a private network for the lab; this machine gets .1, storage .10, hosts .11 and on, guests .101 and on",
    ),
  bridge: interfaceText.default("lab0").describe("the name of the lab's bridge on this machine"),
  release: z
    .enum(labReleases)
    .default(defaultRelease)
    .describe("the system that the lab's hosts are made with, the storage host too; a host keeps it"),
})
  .describe("the lab's own settings; with them the hosts are containers on this machine")
  .meta({ examples: [{}] });

const sshPortOtherwise = {
  examples: [2222],
  otherwise: "what ~/.ssh/config says of the address, or else 22",
};
const userOtherwise = {
  examples: ["admin"],
  otherwise: "what ~/.ssh/config says of the address, or else root",
};

const storage = section({
  name: nameText.default(defaultStorageName).describe("a name for the storage host"),
  address: hostAddress
    .optional()
    .describe("the address of the storage host, for this machine and for the hosts")
    .meta({ examples: ["192.0.2.10"], otherwise: "in the lab .10 of its network; else it must be there" }),
  nfsAddress: hostAddress
    .optional()
    .describe("the address at which the hosts reach the NFS server")
    .meta({ examples: ["198.51.100.10"], otherwise: "the storage host's address" }),
  port: port.optional().describe("the storage host's SSH port").meta(sshPortOtherwise),
  user: userText.optional().describe(userDescription).meta(userOtherwise),
  export: exportPath
    .default(defaultExport)
    .describe("the folder that is exported over NFS: an absolute path without blanks or `..`"),
  existing: z
    .boolean()
    .default(false)
    .describe(
      "whether the folder is exported, mounted on every host at the same path, and libvirt's pool on the storage host already: all are then used as they are, and stay (not in the lab)",
    ),
  pool: nameText
    .default(defaultPool)
    .describe(
      "libvirt's name of the pool on that folder, for the stack's life: lower-case letters, digits and hyphens",
    ),
  transport: z
    .enum(["auto", "kernel", "userspace"])
    .default("auto")
    .describe(
      "the NFS client: the hosts' kernel, QEMU's own (userspace) or, with auto, the kernel where all hosts can when the first guest is made",
    ),
}).describe("the NFS server that every host reaches the guests' disks on");

/** It may name a password, so it may be a secret. */
const command = z
  .string()
  .regex(/^[^\0]*\S[^\0]*$/)
  .optional();

const power = section({
  idleW: z
    .number()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe("what the host draws while it has nothing to do, in W")
    .meta({ examples: [95], otherwise: "not known" }),
  peakW: z
    .number()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe("what it draws when all its CPUs are busy, in W")
    .meta({ examples: [260], otherwise: "not known" }),
  off: command
    .describe(
      "a bash command, run on this machine with HOST_NAME and HOST_ADDRESS in its environment, that shuts the host down",
    )
    .meta({
      secret: true,
      examples: ['ssh root@"$HOST_ADDRESS" systemctl poweroff'],
      otherwise: "in the lab the container's shutdown; else the host can't be switched off",
    }),
  on: command.describe("the same, that switches it on").meta({
    secret: true,
    examples: ["ipmitool -H bmc1.example.org -U admin -f ~/.bmc chassis power on"],
    otherwise: "in the lab the container's start; else the host can't be switched off",
  }),
  status: command.describe("the same, of which the last word that it prints is on or off").meta({
    secret: true,
    examples: ["ipmitool -H bmc1.example.org -U admin -f ~/.bmc chassis power status"],
    otherwise:
      "in the lab whether the container runs; else off is what does not answer over SSH, three times",
  }),
  meter: command
    .describe("the same, that prints what the host draws, in W: asked before it goes off, and once it is on")
    .meta({
      secret: true,
      examples: ["ipmitool -H bmc1.example.org -U admin -f ~/.bmc dcmi power reading"],
      otherwise: "not known",
    }),
  wakeSeconds: z
    .int()
    .min(5)
    .max(3600)
    .default(defaultWakeSeconds)
    .describe("how long it may take, from the command on, until the host answers over SSH; and to go off"),
}).describe("the host's power");

const host = section({
  name: nameText
    .describe("the host's name: lower-case letters, digits and hyphens")
    .meta({ examples: ["host1"] }),
  address: hostAddress
    .optional()
    .describe("the host's address, for this machine and for the other hosts")
    .meta({
      examples: ["192.0.2.11"],
      otherwise: "in the lab .10 and the number its name ends with (host1: .11); else it must be there",
    }),
  port: port.optional().describe("the host's SSH port").meta(sshPortOtherwise),
  user: userText.optional().describe(userDescription).meta(userOtherwise),
  migrationAddress: ipv4
    .optional()
    .describe("the IPv4 address at which the other hosts reach this one, and to which guests' memory is sent")
    .meta({ examples: ["198.51.100.11"], otherwise: "the host's address" }),
  accelerator: z
    .enum(["auto", "kvm", "tcg"])
    .default("auto")
    .describe("what runs guests: kvm, tcg (emulation) or, with auto, kvm where a guest boots under it"),
  memoryMiB: z
    .int()
    .min(512)
    .max(4_194_304)
    .optional()
    .describe("of a lab's host: the memory that it may take, in MiB, itself and its guests")
    .meta({
      examples: [4096],
      otherwise: "all of this machine's; a policy counts on an even share of it",
    }),
  cpus: z
    .number()
    .min(0.1)
    .max(1024)
    .optional()
    .describe("of a lab's host: how many CPUs it may keep busy; parts of one, too")
    .meta({
      examples: [1.5],
      otherwise: "all of this machine's; a policy counts on an even share of them",
    }),
  release: z
    .enum(labReleases)
    .optional()
    .describe("of a lab's host: the system that it is made with; it keeps it")
    .meta({ examples: ["debian-13"], otherwise: "lab.release" }),
  reserveMiB: z
    .int()
    .min(0)
    .max(4_194_304)
    .default(defaultReserveMiB)
    .describe("the memory that no guest gets, in MiB: for the kernel, libvirtd and QEMU's own needs"),
  power: power.optional(),
});

const ssh = section({
  privateKeyFile: filePath
    .optional()
    .describe("the path of the private key for the hosts")
    .meta({ examples: ["~/.ssh/id_ed25519"], otherwise: "the SSH agent and OpenSSH's own defaults" }),
  knownHosts: z
    .enum(["strict", "accept-new"])
    .default("strict")
    .describe("which host keys are trusted: known ones (strict), or a new host's too (accept-new)"),
}).describe("the way to log in to the hosts (the lab has its own)");

const bridge = section({
  name: interfaceText.default(defaultBridge).describe("the bridge's name on every host"),
  uplink: interfaceText
    .optional()
    .describe(
      "the network interface that joins a new bridge, or none: then nothing of the host's network is touched",
    )
    .meta({ examples: ["eno2"], otherwise: "the one with the host's address" }),
  gateway: ipv4
    .optional()
    .describe("the default route, from their first boot on, of guests that have an address here")
    .meta({ examples: ["192.0.2.1"], otherwise: "in the lab this machine; else none" }),
  dns: z
    .array(ipv4)
    .min(1)
    .optional()
    .describe(
      "a list of name servers, by their addresses, for guests that have an address here, from their first boot on",
    )
    .meta({ examples: [["192.0.2.1"]], otherwise: "none" }),
}).describe("the bridge that guests are on");

const imageSection = section({
  source: image
    .default("auto")
    .describe(
      "auto (Ubuntu where it can be had, else Debian), ubuntu-24.04, ubuntu-26.04, debian-12, debian-13, a path that begins with /, ./ or ~/, or a URL",
    ),
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/)
    .optional()
    .describe("the SHA-256 of the image that source's path or URL leads to, 64 hexadecimal digits")
    .meta({ otherwise: "a path or URL is not checked; named images have their own" }),
}).describe("the image that every guest's disk lies over, for the guests' life");

export const stackSchema = section({
  lab: lab.optional(),
  storage: storage.prefault({}),
  hosts: z.array(host).min(2).describe("a list of the KVM hosts, two or more"),
  ssh: ssh.prefault({}),
  bridge: bridge.prefault({}),
  image: imageSection.prefault({}),
  guests: z.array(guest).min(1).describe("a list of the guests, one or more"),
  placement: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      "a host for every guest, or for those that a policy is to leave there; the line to change to move one",
    )
    .meta({ examples: [{ vm1: "host1" }], otherwise: "none, which only a policy allows" }),
  drain: z
    .array(nameText.describe("a host's name").meta({ examples: ["host2"] }))
    .default([])
    .describe("a list of hosts that are to be empty: guests placed there run on the other hosts meanwhile")
    .meta({ examples: [["host2"]], otherwise: "none" }),
  policy: policySection.optional(),
  affinity: z
    .array(affinitySection)
    .default([])
    .describe("rules about where guests run: apart, together, or on certain hosts")
    .meta({ examples: [[{ name: "db", apart: ["db1", "db2"] }]], otherwise: "none" }),
  off: z
    .array(nameText.describe("a host's name").meta({ examples: ["host3"] }))
    .default([])
    .describe("a list of hosts that are to be empty, as drained ones, and then switched off")
    .meta({ examples: [["host3"]], otherwise: "none" }),
  lost: z
    .array(nameText.describe("a host's name").meta({ examples: ["host2"] }))
    .default([])
    .describe(
      "a list of hosts that failed: their guests are started on the others, once it is proved that they can write to no disk",
    )
    .meta({ examples: [["host2"]], otherwise: "none" }),
  migration: stackMigration.prefault({}),
});

/** A stack's config, checked and with its defaults. */
export type StackConfig = z.infer<typeof stackSchema>;
/** A stack's config as it is written. */
export type StackInput = z.input<typeof stackSchema>;
export type HostConfig = StackConfig["hosts"][number];
export type GuestConfig = StackConfig["guests"][number];
export type PolicyConfig = NonNullable<StackConfig["policy"]>;
export type AffinityConfig = StackConfig["affinity"][number];
/** How one guest moves, with nothing left to default. */
export type MigrationConfig = z.infer<typeof anyMigration>;
/** What of that the move itself is told. */
export type MoveOptions = Omit<MigrationConfig, "drift" | "slo">;
