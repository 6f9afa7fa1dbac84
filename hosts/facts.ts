import * as z from "zod";

/** What probe.sh finds out about a host. */
const probe = z.object({
  /** What guests run under here. */
  accelerator: z.enum(["kvm", "tcg"]),
  /** "usable", or why KVM is not. */
  kvm: z.string(),
  /** Whether the kernel can mount NFS 4.1. */
  kernelNfs: z.boolean(),
  /** "usable", or why the kernel's NFS client is not. */
  nfs: z.string(),
  /** libvirt's name for the nearest CPU model; empty: it knows none. */
  cpuModel: z.string(),
  /** libvirt's host-model CPU under the accelerator: the `mode` element of its domain capabilities; empty: there is none. */
  hostModel: z.string(),
  /** The CPU models and features that its libvirt has a name for; empty: it was not asked. */
  models: z.array(z.string()).default([]),
  features: z.array(z.string()).default([]),
  /** How wide the physical addresses of its CPU are; absent: its kernel does not say. */
  addressBits: z.int().positive().optional(),
  cpus: z.number(),
  memoryMiB: z.number(),
  qemu: z.string(),
  libvirt: z.string(),
  kernel: z.string(),
  /** The newest pc-q35 machine type. */
  machine: z.string(),
  /** All of them, newest first. */
  machines: z.array(z.string()),
  distro: z.string(),
  /** libvirt's UUID of the host: two hosts must differ for a guest to migrate between them. */
  uuid: z.string(),
});

/** What is known of a host: where it is, and what it can do. */
export interface HostFacts extends z.infer<typeof probe> {
  address: string;
  /** Where other hosts send guests' memory to. */
  migrationAddress: string;
  /** Of a lab's host that was given less than the machine: what holds it to that, or why nothing does. */
  held?: string;
}

/** Reads the line that probe.sh printed. */
export function parseProbe(line: string): z.infer<typeof probe> {
  return probe.parse(JSON.parse(line));
}
