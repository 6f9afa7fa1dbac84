import { convert } from "xmlbuilder2";

/** Where an image is. */
interface ImagePlace {
  /** The image file; absent: something else than a file on a host or an NFS server. */
  path?: string;
  /** The NFS server that QEMU itself opens it at; absent: a file of the host's. */
  server?: string;
}

/** A disk of a guest's. */
export interface DiskFacts extends ImagePlace {
  /** What it is where it is no file, such as `block device /dev/vg/data`; absent: a file, or an empty drive. */
  other?: string;
  /** The host reaches it over the network. */
  isRemote?: true;
  /** As the guest sees it: `vda`. */
  target: string;
  isReadOnly: boolean;
  /** QEMU's cache mode; `default` where the definition leaves it to QEMU. */
  cache: string;
  /** The image that it lies over; absent: it stands alone. */
  backing?: ImagePlace;
  /** It is being copied elsewhere. */
  isMirrored: boolean;
}

/** What a guest has of its host other than disks and cards. */
interface DeviceFacts {
  kind: "hostdev" | "filesystem" | "tpm" | "shmem";
  /** Such as `pci`, or a folder. */
  what: string;
}

/** What the definition of a guest says of what it needs of a host. */
export interface DomainFacts {
  name?: string;
  memoryMiB?: number;
  vcpus?: number;
  /** Fixed TCP ports of its displays, not chosen from free ones. */
  displayPorts?: number[];
  devices?: DeviceFacts[];
  /** Files of the host's that it starts with: its firmware. */
  firmware?: string[];
  /** Its UEFI variables, which it writes. */
  nvram?: string;
  /** Such as `pc-q35-7.2`; absent: not said. */
  machine?: string;
  disks: DiskFacts[];
  interfaces: { bridge?: string; mtu?: number; mac?: string }[];
}

/** An element as xmlbuilder2 gives it when everything is an array. */
type Element = { readonly [name: string]: unknown };

const children = (element: Element | undefined, name: string): Element[] =>
  ((element?.[name] ?? []) as unknown[]).map((child) =>
    typeof child === "object" && child !== null ? (child as Element) : {},
  );
const child = (element: Element | undefined, name: string): Element | undefined => children(element, name)[0];
const attribute = (element: Element | undefined, name: string): string | undefined => {
  const value = element?.[`@${name}`];
  return value === undefined ? undefined : String(value);
};

/** Reads what `virsh dumpxml` prints of a guest. */
export function parseDomain(xml: string): DomainFacts {
  const [domain] = children(
    convert(xml, { format: "object", verbose: true }) as unknown as Element,
    "domain",
  );
  const devices = child(domain, "devices");
  const os = child(domain, "os");
  const machine = attribute(child(os, "type"), "machine");
  const name = text(domain, "name");
  const memoryMiB = mebibytes(domain);
  const vcpus = text(domain, "vcpu");
  const displayPorts = children(devices, "graphics").flatMap(fixedPorts);
  const hostDevices = kinds.flatMap((kind) =>
    children(devices, kind).map((device): DeviceFacts => ({ kind, what: whatIs(kind, device) })),
  );
  const firmware = text(os, "loader");
  const nvram = text(os, "nvram");
  return {
    ...(name !== undefined && { name }),
    ...(memoryMiB !== undefined && { memoryMiB }),
    ...(vcpus !== undefined && { vcpus: Number(vcpus) }),
    ...(displayPorts.length > 0 && { displayPorts }),
    ...(hostDevices.length > 0 && { devices: hostDevices }),
    ...(firmware !== undefined && { firmware: [firmware] }),
    ...(nvram !== undefined && { nvram }),
    ...(machine !== undefined && { machine }),
    disks: children(devices, "disk").map(diskFacts),
    interfaces: children(devices, "interface").map((card) => {
      const bridge = attribute(child(card, "source"), "bridge");
      const mtu = attribute(child(card, "mtu"), "size");
      const mac = attribute(child(card, "mac"), "address");
      return {
        ...(bridge !== undefined && { bridge }),
        ...(mtu !== undefined && { mtu: Number(mtu) }),
        ...(mac !== undefined && { mac }),
      };
    }),
  };
}

const kinds = ["hostdev", "filesystem", "tpm", "shmem"] as const;

function whatIs(kind: DeviceFacts["kind"], device: Element): string {
  const source = child(device, "source");
  if (kind === "filesystem") return attribute(source, "dir") ?? attribute(source, "socket") ?? "a folder";
  if (kind === "tpm") return attribute(child(device, "backend"), "type") ?? "emulator";
  if (kind === "shmem") return attribute(device, "name") ?? "shared memory";
  return attribute(device, "type") ?? "a device";
}

const fixedPorts = (display: Element): number[] =>
  attribute(display, "autoport") === "yes"
    ? []
    : ["port", "tlsPort", "websocket"]
        .map((each) => Number(attribute(display, each) ?? -1))
        .filter((port) => port > 0);

/** The text of an element, whether it has attributes or not. */
function text(element: Element | undefined, name: string): string | undefined {
  const [first] = (element?.[name] ?? []) as unknown[];
  const value = typeof first === "object" && first !== null ? (first as Element)["#"] : first;
  return value === undefined || value === null ? undefined : String(value);
}

const bytesOf: Record<string, number> = {
  b: 1,
  KiB: 2 ** 10,
  k: 2 ** 10,
  MiB: 2 ** 20,
  M: 2 ** 20,
  GiB: 2 ** 30,
  G: 2 ** 30,
};

function mebibytes(domain: Element | undefined): number | undefined {
  const size = text(domain, "memory");
  const unit = bytesOf[attribute(child(domain, "memory"), "unit") ?? "KiB"];
  return size === undefined || unit === undefined ? undefined : (Number(size) * unit) / 2 ** 20;
}

/** Where it is no file: what it is. */
function other(disk: Element, source: Element | undefined): Pick<DiskFacts, "other" | "isRemote"> {
  const type = attribute(disk, "type");
  if (source === undefined || type === undefined || type === "file") return {};
  if (type === "network") {
    const protocol = attribute(source, "protocol");
    return protocol === "nfs"
      ? {}
      : { other: `${protocol}:${attribute(source, "name") ?? ""}`, isRemote: true };
  }
  if (type === "block") return { other: `block device ${attribute(source, "dev")}` };
  if (type === "volume")
    return { other: `volume ${attribute(source, "volume")} of pool ${attribute(source, "pool")}` };
  return { other: `a disk of type ${type}` };
}

function imagePlace(source: Element | undefined): ImagePlace {
  const file = attribute(source, "file");
  const name = attribute(source, "protocol") === "nfs" ? attribute(source, "name") : undefined;
  const server = name === undefined ? undefined : attribute(child(source, "host"), "name");
  const path = file ?? (server === undefined ? undefined : name);
  return { ...(path !== undefined && { path }), ...(server !== undefined && { server }) };
}

function diskFacts(disk: Element): DiskFacts {
  const backing = child(child(disk, "backingStore"), "source");
  return {
    target: attribute(child(disk, "target"), "dev") ?? "",
    isReadOnly: disk.readonly !== undefined,
    cache: attribute(child(disk, "driver"), "cache") ?? "default",
    ...imagePlace(child(disk, "source")),
    ...other(disk, child(disk, "source")),
    ...(backing && { backing: imagePlace(backing) }),
    isMirrored: disk.mirror !== undefined,
  };
}
