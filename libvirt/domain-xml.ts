import { convert, create } from "xmlbuilder2";
import { cpuXmlOf } from "./named-cpu.ts";
import { adaptedDefinition } from "./own-definition.ts";

/** What a guest is: everything about its virtual machine that does not depend on where it runs. */
export interface DomainSpec {
  name: string;
  uuid: string;
  memoryMiB: number;
  vcpus: number;
  accelerator: "kvm" | "tcg";
  /** Machine type known on every host, such as `pc-q35-7.2`. */
  machine: string;
  /** A libvirt `<cpu>` element that every host can run; absent: QEMU's default model. */
  cpuXml?: string;
  /** A CPU model of libvirt's that every host has, instead of `cpuXml`. */
  cpu?: string;
  /** UEFI; absent: BIOS. */
  firmware?: UefiFirmware;
  storage: GuestStorage;
  /** Disks beside the system's, in the order in which the guest has them: `vdc` and on. Absent: none. */
  disks?: DataDisk[];
  mac: string;
  bridge: string;
  /** Network cards beside the first. Absent: none. */
  nics?: NetworkCard[];
  /**
   * The guest's own definition, where this program did not make it: that stays as it is, but for memory and CPUs. All else here says what is in
   * it. Absent: it is made from the rest.
   */
  definition?: string;
  /** Absent: no display. The same port on every host, as the guest can go to any. */
  vnc?: { port: number; listen: string };
}

/** UEFI for a guest: the first two are files of each host's own, the same on all of them. */
export interface UefiFirmware {
  /** Its code. */
  loader: string;
  /** Its variables as a new guest has them. */
  template: string;
  /** The guest's variables: a file that it writes, which lies where its base image does. */
  nvramPath: string;
}

/** A disk on the export for what the guest keeps beside its system. */
interface DataDisk {
  /** Its serial number for the guest: /dev/disk/by-id/virtio-<name>. */
  name: string;
  /** A qcow2 file that stands alone. */
  path: string;
}

interface NetworkCard {
  mac: string;
  /** The bridge that it is on, on every host. */
  bridge: string;
}

/** Where a guest's files are; the paths are the same on the storage host and on every host that mounts its export. */
export interface GuestStorage {
  /** `kernel`: the hosts mount the export. `userspace`: QEMU opens it itself, with libnfs. */
  transport: "kernel" | "userspace";
  /** The NFS server's address, as the hosts reach it. */
  server: string;
  /** The overlay: a qcow2 file over the base image. */
  overlayPath: string;
  /**
   * Present: the overlay is a file of the host's own where the guest is, made there with this size, and moves along with the guest. Absent:
   * it is on the export.
   */
  localGiB?: number;
  /** What the overlay lies over. Absent, both: it stands alone. */
  basePath?: string;
  baseFormat?: "qcow2" | "raw";
  /** The cloud-init seed, an ISO image; absent: none. */
  seedPath?: string;
}

/**
 * Text that may hold an ampersand. xmlbuilder2 decodes entities in what it is given, and takes what looks like one for one when it
 * writes: `&lt;` in a password would arrive as `<`, and `&a;` would not be XML at all. Encoded twice, it arrives as it is.
 */
const literal = (text: string): string => text.replaceAll("&", "&amp;amp;");

function source(storage: GuestStorage, path: string): { attributes: object; element: object } {
  if (storage.transport === "kernel")
    return { attributes: { type: "file" }, element: { "@file": literal(path) } };
  return {
    attributes: { type: "network" },
    element: {
      "@protocol": "nfs",
      "@name": literal(path),
      host: { "@name": literal(storage.server) },
      identity: { "@user": "root", "@group": "root" },
    },
  };
}

const withAt = (attributes: object): object =>
  Object.fromEntries(Object.entries(attributes).map(([key, value]) => [`@${key}`, value]));

/**
 * The libvirt definition of a guest (https://libvirt.org/formatdomain.html): the same on every host.
 * The whole backing chain is named, since libvirt cannot look into an image that QEMU opens over NFS by itself.
 */
export function domainXml(spec: DomainSpec, vncPassword?: string): string {
  const { storage, definition } = spec;
  if (definition !== undefined) return adaptedDefinition(spec, definition, vncPassword);
  const cpuXml = cpuXmlOf(spec);
  const isLocal = storage.localGiB !== undefined;
  const overlay = source(isLocal ? { ...storage, transport: "kernel" } : storage, storage.overlayPath);
  const base = storage.basePath === undefined ? undefined : source(storage, storage.basePath);
  const seed = storage.seedPath ? source(storage, storage.seedPath) : undefined;

  const disks: object[] = [
    {
      ...withAt(overlay.attributes),
      "@device": "disk",
      driver: writable,
      source: overlay.element,
      backingStore: base
        ? {
            ...withAt(base.attributes),
            format: { "@type": storage.baseFormat },
            source: base.element,
            backingStore: {},
          }
        : {},
      target: { "@dev": systemDisk, "@bus": "virtio" },
    },
  ];
  if (seed) {
    disks.push({
      ...withAt(seed.attributes),
      // A virtio disk, not a CD-ROM: the kernels of cloud images need not have drivers for more.
      "@device": "disk",
      driver: { "@name": "qemu", "@type": "raw", "@cache": "none" },
      source: seed.element,
      target: { "@dev": "vdb", "@bus": "virtio" },
      readonly: {},
    });
  }

  for (const [at, { name, path }] of (spec.disks ?? []).entries()) {
    const { attributes, element } = source(storage, path);
    disks.push({
      ...withAt(attributes),
      "@device": "disk",
      driver: writable,
      source: element,
      backingStore: {},
      // The same name whether there is a seed or not.
      target: { "@dev": `vd${String.fromCharCode("c".charCodeAt(0) + at)}`, "@bus": "virtio" },
      serial: name,
    });
  }

  const document = create({
    domain: {
      "@type": virtType(spec),
      name: literal(spec.name),
      uuid: spec.uuid,
      memory: { "@unit": "MiB", "#": spec.memoryMiB },
      vcpu: spec.vcpus,
      os: {
        type: { "@arch": "x86_64", "@machine": spec.machine, "#": "hvm" },
        ...(spec.firmware && uefi(spec.firmware, storage)),
      },
      features: { acpi: {}, apic: {} },
      ...(cpuXml ? (convert(cpuXml, { format: "object" }) as object) : {}),
      clock: { "@offset": "utc" },
      on_poweroff: "destroy",
      on_reboot: "restart",
      on_crash: "destroy",
      devices: {
        disk: disks,
        interface: [spec, ...(spec.nics ?? [])].map(({ mac, bridge }) => ({
          "@type": "bridge",
          mac: { "@address": mac },
          source: { "@bridge": literal(bridge) },
          model: { "@type": "virtio" },
        })),
        serial: {
          "@type": "pty",
          log: { "@file": literal(consoleLogPath(spec.name)), "@append": "on" },
          target: { "@port": "0" },
        },
        console: { "@type": "pty", target: { "@type": "serial", "@port": "0" } },
        channel: {
          "@type": "unix",
          target: { "@type": "virtio", "@name": "org.qemu.guest_agent.0" },
        },
        input: { "@type": "tablet", "@bus": "virtio" },
        ...(spec.vnc && {
          graphics: {
            "@type": "vnc",
            "@port": spec.vnc.port,
            "@autoport": "no",
            "@listen": spec.vnc.listen,
            ...(vncPassword ? { "@passwd": literal(vncPassword) } : {}),
          },
          video: { model: { "@type": "vga" } },
        }),
        memballoon: { "@model": "virtio" },
        rng: { "@model": "virtio", backend: { "@model": "random", "#": "/dev/urandom" } },
      },
    },
  });
  return document.end({ prettyPrint: true, headless: true });
}

/** cache=none: what the guest was told is written is on the server, on whichever host it runs next. */
const writable = { "@name": "qemu", "@type": "qcow2", "@cache": "none", "@discard": "unmap" };

/** The variables are there already (fleet/nvram.ts): libvirt would make them only in a file that the host itself mounts. */
function uefi({ loader, nvramPath }: UefiFirmware, storage: GuestStorage): object {
  const { attributes, element } = source(storage, nvramPath);
  const isMounted = storage.transport === "kernel";
  return {
    loader: { "@readonly": "yes", "@type": "pflash", "#": literal(loader) },
    nvram: isMounted ? literal(nvramPath) : { ...withAt(attributes), source: element },
  };
}

/** The guest's name of the disk that it writes to. */
export const systemDisk = "vda";

/** As many as there are names for: vdc to vdz. */
export const mostDataDisks = 24;
/** Each takes a port of the guest's PCI Express bus. */
export const mostNics = 8;

/** As libvirt calls what runs guests. */
export const virtType = ({ accelerator }: Pick<DomainSpec, "accelerator">): "kvm" | "qemu" =>
  accelerator === "kvm" ? "kvm" : "qemu";

/** Where a host keeps what the guest printed on its serial console. */
export const consoleLogPath = (guest: string): string => `/var/log/libvirt/qemu/${guest}-console.log`;
