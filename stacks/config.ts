import * as z from "zod";
import { workloadSchema } from "../guests/workload.ts";
import { publishedNames } from "../images/published.ts";
import { defaultRelease, labReleases } from "../lab/release.ts";
import { mostDataDisks, mostNics } from "../libvirt/domain-xml.ts";
import {
  askedOptions,
  concurrentPerHostOption,
  defaultConcurrentPerHost,
  defaultDrift,
  defaultMaxDowntimeMs,
  defaultMode,
  defaultTimeoutMs,
  driftOption,
} from "../moves/options.ts";
import { sloSchema } from "../moves/slo.ts";
import { policies, policyKinds } from "../placement/policies/policies.ts";
import { defaultReserveMiB } from "../placement/terms/cluster.ts";
import { defaultSettings } from "../placement/terms/settings.ts";
import {
  defaultBridge,
  defaultDiskGiB,
  defaultExport,
  defaultMemoryMiB,
  defaultNetwork,
  defaultPool,
  defaultStorageName,
  defaultWakeSeconds,
  hostModel,
  noAddress,
} from "./defaults.ts";

/**
 * What a stack may say, under the namespace `testbed`. This schema is the only place where it is said: the types,
 * the JSON schema for editors and docs/config.md come from it, and its descriptions are what errors answer with
 * ("give memory in MiB, such as 512"). Rules between keys are in checks/.
 */

/** A misspelt key is a mistake, not something to pass over. */
const section = z.strictObject;

/** Host and guest names become hostnames, names of files and names in libvirt. */
const nameText = z
  .string()
  .max(32)
  .regex(/^[a-z]([a-z0-9-]*[a-z0-9])?$/);
const ipv4 = z.ipv4();
const hostAddress = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$/);
const cidr = z.cidrv4();
const port = z.int().min(1).max(65535);
/** A directory's users too: `first.last`, `DOMAIN\\admin`, `admin@example.com`. OpenSSH takes no backslash at the end. */
const userText = z.string().regex(/^[A-Za-z0-9_](?:[A-Za-z0-9._@\\-]{0,62}[A-Za-z0-9._-])?$/);
const userDescription =
  "the user to log in as, in ASCII letters, digits and any of _ . - @ \\; one other than root needs sudo without a password";
/** Linux takes 15 characters. */
const interfaceText = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/);
/** Neither blanks nor `..`: it stands in exports files, mount units and qcow2 headers. */
const exportPath = z.string().regex(/^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+)+$/);
const filePath = z.string().regex(/^(\/|~\/|\.{1,2}\/|[A-Za-z0-9._-]+\/)[^\0\n]+$/);

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

const migrationOptions = askedOptions.extend({
  drift: driftOption,
  slo: sloSchema
    .optional()
    .describe(
      "what a move may cost: one that is predicted to cost more is refused before anything is touched",
    )
    .meta({ otherwise: "no limits" }),
});

const guestMigration = migrationOptions
  .partial()
  .describe("the way this guest moves, where that is not as the stack's migration says")
  .meta({ otherwise: "as the stack's", sameAs: "testbed:migration" });

const migration = migrationOptions
  .extend({
    mode: migrationOptions.shape.mode.default(defaultMode),
    maxDowntimeMs: askedOptions.shape.maxDowntimeMs.unwrap().default(defaultMaxDowntimeMs),
    timeoutMs: askedOptions.shape.timeoutMs.unwrap().default(defaultTimeoutMs),
    drift: driftOption.default(defaultDrift),
    concurrentPerHost: concurrentPerHostOption.default(defaultConcurrentPerHost),
  })
  .describe("the way guests move");

const vnc = section({
  port: z
    .int()
    .min(5900)
    .max(49151)
    .optional()
    .describe("the VNC display's TCP port")
    .meta({ otherwise: "5900 and the number its name ends with (vm1: 5901)" }),
  listen: z
    .enum(["127.0.0.1", "0.0.0.0"])
    .default("127.0.0.1")
    .describe("where the display listens: on every host alike, since the guest can go to any"),
  password: z
    .string()
    .regex(/^[\x21-\x7e]{1,8}$/)
    .optional()
    .describe(
      "the display's password, 1 to 8 ASCII characters without blanks (VNC takes no more), best set with --secret",
    )
    .meta({ secret: true, otherwise: "none" }),
})
  .describe("the guest's VNC display")
  .meta({ otherwise: "no display" });

const gib = z.int().max(65_536);
const mac = z
  .string()
  .regex(/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/)
  .optional()
  .describe("a MAC address, in quotes")
  .meta({ examples: ["52:54:00:10:55:ef"] });

const disk = section({
  name: nameText
    .max(20)
    .describe(
      "a name of its own in this guest, which finds it there as /dev/disk/by-id/virtio-<name>: at most 20 lower-case letters, digits and hyphens",
    )
    .meta({ examples: ["data"] }),
  sizeGiB: gib
    .min(1)
    .describe("its size as the guest sees it, in GiB, for life; it takes only what is written")
    .meta({ examples: [10] }),
});

const nic = section({
  mac: mac.meta({
    otherwise: "made from the stack's and the guest's name, and the card's place in the list",
  }),
  address: cidr
    .optional()
    .describe("an IPv4 address with its prefix, for life")
    .meta({ examples: ["198.51.100.101/24"], otherwise: "what is set in the guest" }),
  bridge: interfaceText
    .optional()
    .describe("the bridge that it is on, which every host must have already (not in the lab)")
    .meta({ examples: ["br1"], otherwise: "the testbed's" }),
});

const guest = section({
  name: nameText
    .describe("the guest's name, which is its hostname too: lower-case letters, digits and hyphens")
    .meta({ examples: ["vm1"] }),
  memoryMiB: z
    .int()
    .min(64)
    .max(4_194_304)
    .default(defaultMemoryMiB)
    .describe("memory in MiB")
    .meta({ examples: [512] }),
  vcpus: z.int().min(1).max(255).default(1).describe("the number of CPUs"),
  cpu: z
    .string()
    .regex(/^(?!(host-passthrough|maximum)$)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
    .default(hostModel)
    .describe(
      "host-model, the best CPU that all hosts can give, or a model by its name in libvirt, which every host must have (virsh cpu-models x86_64)",
    )
    .meta({ examples: ["Westmere"] }),
  firmware: z
    .enum(["bios", "uefi"])
    .default("bios")
    .describe(
      "the firmware, for life: with uefi the guest's variables are kept on the NFS export, and the image must have a loader for it, as those that are named here have",
    ),
  diskGiB: gib
    .min(2)
    .default(defaultDiskGiB)
    .describe("the disk's size as the guest sees it, in GiB, for life; it takes only what is written"),
  redo: z
    .enum(["shared", "local"])
    .default("shared")
    .describe(
      "where the guest's writes lie, for life: on the NFS export (shared) or on its host's own disk (local), in which case a move copies them too",
    ),
  disks: z
    .array(disk)
    .max(mostDataDisks)
    .default([])
    .describe("a list of disks beside the system's: empty at first, on the NFS export")
    .meta({ otherwise: "none" }),
  mac: mac.meta({ otherwise: "made from the stack's and the guest's name" }),
  nics: z
    .array(nic)
    .max(mostNics)
    .default([])
    .describe("a list of network cards beside the first, which `mac` and `address` are of")
    .meta({ otherwise: "none" }),
  address: z
    .union([ipv4, cidr, z.literal(noAddress)])
    .optional()
    .describe(
      "an IPv4 address, for life; with its prefix, unless it is in the lab; or none: it gets none here, and nobody waits until it answers",
    )
    .meta({
      examples: ["192.0.2.101/24"],
      otherwise: "in the lab .100 and the number its name ends with (vm1: .101); else by DHCP",
    }),
  fixed: z
    .boolean()
    .default(false)
    .describe("whether a policy leaves it where it is; a placement says where that is"),
  vnc: vnc.optional(),
  workload: workloadSchema
    .default({ type: "idle" })
    .describe("what the guest keeps doing, for life")
    .meta({ examples: [{ type: "memory", mibPerSecond: 20, workingSetMiB: 256 }] }),
  migration: guestMigration.optional(),
});

const { weights, limits, startAt, minGain, keepOn, savingPerGiB } = defaultSettings;
const weight = z.number().min(0).max(100);
const share = z.number().gt(0).max(1);

const policyTexts = policyKinds
  .flatMap((kind) => (kind === "pinned" ? [] : [`${kind} ${policies[kind].does}`]))
  .join("; ");

export const policySection = section({
  kind: z
    .enum(policyKinds)
    .default("pinned")
    .describe(
      `who decides where guests run: their placement alone (pinned), or without one a policy: ${policyTexts}`,
    ),
  weights: section({
    memory: weight.default(weights.memory).describe("the weight of memory"),
    vcpus: weight.default(weights.vcpus).describe("the weight of vCPUs"),
    cpu: weight.default(weights.cpu).describe("the weight of CPUs that are kept busy"),
  })
    .prefault({})
    .describe("how much the difference of hosts' use of each counts; 0 leaves one out"),
  load: z
    .enum(["measured", "declared"])
    .default("measured")
    .describe(
      "how busy guests are: sampled each minute on the hosts (measured), or not looked at (declared: memory and vCPUs alone)",
    ),
  windowMinutes: z.int().min(5).max(1440).default(60).describe("how many minutes of these samples count"),
  startAt: z
    .number()
    .min(0)
    .max(1)
    .default(startAt)
    .describe("the imbalance below which balance moves nothing, as a share of a host"),
  minGain: z
    .number()
    .min(0)
    .max(1)
    .default(minGain)
    .describe("what a move of ordinary cost must gain, as a share of one host"),
  maxMoves: z
    .int()
    .min(1)
    .max(10_000)
    .default(10)
    .describe("how many guests an update moves for balance's sake"),
  maxMinutes: z
    .number()
    .positive()
    .default(30)
    .describe("how many minutes these moves may take by prediction, made as they are"),
  restMinutes: z
    .number()
    .min(0)
    .default(15)
    .describe(
      "how many minutes a guest that was moved stays where it is, doubled with each move of the last 24 hours, at most 6 hours, and a host that consolidate has switched stays as it is; not on drained hosts, nor against firm rules",
    ),
  limits: section({
    memory: share.default(limits.memory).describe("the share of a host's memory, after its reserve"),
    cpu: share.default(limits.cpu).describe("the share of its CPUs that is kept busy"),
    vcpuRatio: z.number().gt(0).max(100).default(limits.vcpuRatio).describe("the number of vCPUs a CPU"),
  })
    .prefault({})
    .describe("how full a host may get"),
  spare: z
    .union([z.literal(0), z.literal(1)])
    .default(0)
    .describe("how many hosts may be lost without a guest left without a place, where that can be had"),
  validMinutes: z
    .number()
    .positive()
    .default(10)
    .describe("how many minutes an update does what a preview decided"),
  consolidate: section({
    keepOn: z.int().min(1).max(1000).default(keepOn).describe("how many hosts are to stay in use, at least"),
    savingPerGiB: z
      .number()
      .min(0)
      .default(savingPerGiB)
      .describe("the watts that must be saved for each GiB that is moved to empty a host"),
  })
    .prefault({})
    .describe("what consolidate empties"),
})
  .describe("who decides where guests run that have no placement")
  .meta({ examples: [{ kind: "balance" }], otherwise: "none: each guest has a placement" });

const guestNames = z.array(nameText.describe("a guest's name").meta({ examples: ["vm1"] })).min(1);

const affinity = section({
  name: nameText.describe("a name for the rule").meta({ examples: ["db"] }),
  apart: guestNames
    .optional()
    .describe("guests that are to be on different hosts")
    .meta({
      examples: [["db1", "db2"]],
      otherwise: "another kind of rule",
    }),
  together: guestNames
    .optional()
    .describe("guests that are to be on one host")
    .meta({
      examples: [["web1", "cache1"]],
      otherwise: "another kind of rule",
    }),
  guests: guestNames
    .optional()
    .describe("guests that are to be on certain hosts (on)")
    .meta({
      examples: [["vm3"]],
      otherwise: "another kind of rule",
    }),
  on: z
    .array(nameText.describe("a host's name").meta({ examples: ["host1"] }))
    .min(1)
    .optional()
    .describe("the hosts on which `guests` are to be")
    .meta({ examples: [["host1", "host2"]], otherwise: "another kind of rule" }),
  firm: z.boolean().default(true).describe("whether it must be kept (true) or is only wished (false)"),
});

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
    .array(affinity)
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
  migration: migration.prefault({}),
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
export type MigrationConfig = z.infer<typeof migrationOptions>;
/** What of that the move itself is told. */
export type MoveOptions = Omit<MigrationConfig, "drift" | "slo">;
