import { convert } from "xmlbuilder2";

/** Where an image is. */
export interface ImagePlace {
  /** The image file; absent: something else than a file on a host or an NFS server. */
  path?: string;
  /** The NFS server that QEMU itself opens it at; absent: a file of the host's. */
  server?: string;
}

/** A disk of a running guest. */
export interface DiskFacts extends ImagePlace {
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

/** What the definition of a running guest says of what it needs of a host. */
export interface DomainFacts {
  /** Such as `pc-q35-7.2`; absent: not said. */
  machine?: string;
  disks: DiskFacts[];
  interfaces: { bridge?: string; mtu?: number }[];
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
  const machine = attribute(child(child(domain, "os"), "type"), "machine");
  return {
    ...(machine !== undefined && { machine }),
    disks: children(devices, "disk").map(diskFacts),
    interfaces: children(devices, "interface").map((card) => {
      const bridge = attribute(child(card, "source"), "bridge");
      const mtu = attribute(child(card, "mtu"), "size");
      return { ...(bridge !== undefined && { bridge }), ...(mtu !== undefined && { mtu: Number(mtu) }) };
    }),
  };
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
    ...(backing && { backing: imagePlace(backing) }),
    isMirrored: disk.mirror !== undefined,
  };
}
