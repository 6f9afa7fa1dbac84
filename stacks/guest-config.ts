import * as z from "zod";
import { workloadSchema } from "../guests/workload.ts";
import { mostDataDisks, mostNics } from "../libvirt/domain-xml.ts";
import { cidr, interfaceText, ipv4, nameText, section } from "./config-texts.ts";
import { defaultDiskGiB, defaultMemoryMiB, hostModel, noAddress } from "./defaults.ts";
import { guestMigration } from "./migration-config.ts";

// What a stack may say of a guest.

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

export const guest = section({
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
