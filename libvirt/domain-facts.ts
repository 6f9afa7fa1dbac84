import { type HostPart, hostParts } from "./host-parts.ts";
import { attribute, attributes, children, childText, type Element, firstChild, readXml } from "./xml.ts";

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

/** A network card of a guest's: on a bridge, on one of libvirt's networks, on a link of the host's, on something else of its, or on none of these. */
export interface CardFacts {
  bridge?: string;
  /** The name of a network that libvirt knows. */
  network?: string;
  /** A network device of the host's that is no bridge. */
  link?: string;
  /** What it is connected to otherwise, such as `vhostuser /run/vm1.sock`. */
  other?: string;
  mtu?: number;
  mac?: string;
}

/** What the definition of a guest says of what it needs of a host. */
export interface DomainFacts {
  name?: string;
  memoryMiB?: number;
  vcpus?: number;
  /** Fixed TCP ports of its displays, not chosen from free ones. */
  displayPorts?: number[];
  /** What it has of its host beside disks, cards and what it boots from. */
  devices?: HostPart[];
  /** Files of the host's that it starts with: its firmware, or a kernel with what goes with it. */
  firmware?: string[];
  /** Its UEFI variables, which it writes. */
  nvram?: string;
  /** Such as `pc-q35-7.2`; absent: not said. */
  machine?: string;
  disks: DiskFacts[];
  interfaces: CardFacts[];
}

/** Reads what `virsh dumpxml` prints of a guest. */
export function parseDomain(xml: string): DomainFacts {
  const domain = firstChild(readXml(xml), "domain");
  const devices = firstChild(domain, "devices");
  const os = firstChild(domain, "os");
  const machine = attribute(firstChild(os, "type"), "machine");
  const name = childText(domain, "name");
  const memoryMiB = mebibytes(domain);
  const vcpus = childText(domain, "vcpu");
  const displayPorts = children(devices, "graphics").flatMap(fixedPorts);
  const devicesOfHost = hostParts(domain);
  const files = ["loader", "kernel", "initrd", "dtb"].flatMap((name) => childText(os, name) ?? []);
  const nvram = childText(os, "nvram");
  return {
    ...(name !== undefined && { name }),
    ...(memoryMiB !== undefined && { memoryMiB }),
    ...(vcpus !== undefined && { vcpus: Number(vcpus) }),
    ...(displayPorts.length > 0 && { displayPorts }),
    ...(devicesOfHost.length > 0 && { devices: devicesOfHost }),
    ...(files.length > 0 && { firmware: files }),
    ...(nvram !== undefined && { nvram }),
    ...(machine !== undefined && { machine }),
    disks: children(devices, "disk").map(diskFacts),
    interfaces: children(devices, "interface").map(cardFacts),
  };
}

function cardFacts(card: Element): CardFacts {
  const mtu = attribute(firstChild(card, "mtu"), "size");
  const mac = attribute(firstChild(card, "mac"), "address");
  return {
    ...connectionOf(card),
    ...(mtu !== undefined && { mtu: Number(mtu) }),
    ...(mac !== undefined && { mac }),
  };
}

function connectionOf(card: Element): Pick<CardFacts, "bridge" | "network" | "link" | "other"> {
  const source = firstChild(card, "source");
  const type = attribute(card, "type") ?? "";
  const [bridge, network, link] = ["bridge", "network", "dev"].map((name) => attribute(source, name));
  if (type === "bridge" && bridge !== undefined) return { bridge };
  // What of the host's a running one is on is libvirt's choice for this host.
  if (type === "network" && network !== undefined) return { network };
  if (type === "direct" && link !== undefined) return { link };
  // QEMU's own network leads out of whichever host it is on; and `null` nowhere.
  const isOwn = type === "null" || (type === "user" && firstChild(card, "backend") === undefined);
  if (isOwn && source === undefined) return {};
  const words = [type, ...attributes(source).map(([, value]) => value)];
  return { other: words.join(" ") };
}

const fixedPorts = (display: Element): number[] =>
  attribute(display, "autoport") === "yes"
    ? []
    : ["port", "tlsPort", "websocket"]
        .map((each) => Number(attribute(display, each) ?? -1))
        .filter((port) => port > 0);

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
  const size = childText(domain, "memory");
  const unit = bytesOf[attribute(firstChild(domain, "memory"), "unit") ?? "KiB"];
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
  const server = name === undefined ? undefined : attribute(firstChild(source, "host"), "name");
  const path = file ?? (server === undefined ? undefined : name);
  return { ...(path !== undefined && { path }), ...(server !== undefined && { server }) };
}

function diskFacts(disk: Element): DiskFacts {
  const backing = firstChild(firstChild(disk, "backingStore"), "source");
  return {
    target: attribute(firstChild(disk, "target"), "dev") ?? "",
    isReadOnly: disk.readonly !== undefined,
    cache: attribute(firstChild(disk, "driver"), "cache") ?? "default",
    ...imagePlace(firstChild(disk, "source")),
    ...other(disk, firstChild(disk, "source")),
    ...(backing && { backing: imagePlace(backing) }),
    isMirrored: disk.mirror !== undefined,
  };
}
