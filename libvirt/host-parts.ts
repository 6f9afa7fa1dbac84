import { allChildren, attribute, attributes, children, type Element, firstChild, ownText } from "./xml.ts";

// What a definition refers to outside of the guest. Kinds that are known to refer to nothing are few, and a reference looks alike in all
// others: so a kind that nobody thought of is found too.

/** What a guest has of its host other than disks, cards and what it boots from. */
export interface HostPart {
  /** The element's name in the definition, such as `hostdev`. */
  kind: string;
  /** Such as `pci`, or a folder. */
  what: string;
}

/** Reads it from a `<domain>`. */
export function hostParts(domain: Element | undefined): HostPart[] {
  const inDevices = allChildren(firstChild(domain, "devices")).flatMap(([kind, device]) =>
    (partOf[kind] ?? unknown)(kind, device).map((what) => ({ kind, what })),
  );
  const others = allChildren(domain).flatMap(([kind, element]) =>
    (partOfDomain[kind] ?? paths)(kind, element).map((what) => ({ kind, what })),
  );
  const all = [...inDevices, ...others];
  return [...new Map(all.map((part) => [JSON.stringify(part), part])).values()];
}

type Reader = (kind: string, element: Element) => string[];
const nothing: Reader = () => [];

/** Every absolute path in an element, and every socket, that libvirt does not make on each host by itself. */
const paths: Reader = (kind, element) => [
  ...[...attributes(element).map(([, value]) => value), ownText(element) ?? ""].flatMap((value) => {
    const path = /^(?:unix:(?:path|abstract)=)?(\/.*)/.exec(value)?.[1];
    return path === undefined || isOnAllHosts(path) ? [] : [path];
  }),
  ...allChildren(element).flatMap(([, inner]) => paths(kind, inner)),
];

const isOnAllHosts = (path: string): boolean =>
  /^\/dev\/(pts\/|u?random$)|^(\/var)?\/run\/libvirt\/|^\/var\/(lib|log)\/libvirt\/qemu\//.test(path);

/** A device: paths; the other end of what it is connected to, if that is not QEMU, libvirt or the display's client. */
const reference: Reader = (kind, device) => {
  const ends = [device, ...children(device, "backend")].filter((end) =>
    far.includes(attribute(end, "type") ?? ""),
  );
  const connections = ends.map((end) => {
    const { host, service } = Object.assign(
      {},
      ...children(end, "source").map((source) => Object.fromEntries(attributes(source))),
    ) as { host?: string; service?: string };
    return [attribute(end, "type"), [host, service].filter(Boolean).join(":")].filter(Boolean).join(" ");
  });
  return [...connections, ...paths(kind, device)];
};
/** Types of character devices that lead out of the host. Others have paths. */
const far = ["tcp", "udp"];

/** An unknown kind of device may also name what it is made of by other words than paths. */
const unknown: Reader = (kind, device) => {
  const found = reference(kind, device);
  const sources = children(device, "source").filter((source) => Object.keys(source).length > 0);
  const named = sources.flatMap((source) =>
    [...attributes(source), ...allChildren(source).flatMap(([, inner]) => attributes(inner))].map(
      ([, value]) => value,
    ),
  );
  return found.length > 0 || sources.length === 0 ? found : [named.join(" ") || "a source"];
};

const graphics: Reader = (kind, display) => {
  const type = attribute(display, "type") ?? "";
  const addresses = children(display, "listen").map(
    (listen) => attribute(listen, "address") ?? attribute(listen, "network"),
  );
  const own = [attribute(display, "listen"), ...addresses].flatMap((address) =>
    address === undefined || isEveryHosts(address) ? [] : [`${type} on ${address}`],
  );
  const gl = attribute(firstChild(display, "gl"), "enable") === "yes" ? [`${type} with the host's GPU`] : [];
  // Shown on the host's own screen.
  const screen = ["sdl", "desktop"].includes(type) ? [type] : [];
  return [...new Set([...own, ...gl, ...screen, ...paths(kind, display)])];
};
const isEveryHosts = (address: string): boolean =>
  /^(0\.0\.0\.0|127\.[\d.]+|::|::1|localhost|)$/.test(address);

const card: Reader = (kind, { source: _, ...element }) => [
  ...paths(kind, element),
  // Those that libvirt brings along are on every host.
  ...children(element, "filterref").flatMap((reference) => {
    const filter = attribute(reference, "filter") ?? "";
    return /^(allow|no|clean-traffic|qemu-announce-self)\b/.test(filter) ? [] : [`with filter ${filter}`];
  }),
];

/** How a kind of device is read; those that are not here are unknown. */
const partOf: Readonly<Record<string, Reader>> = {
  // libvirt moves none that is thrown away in the end; where the others lie is checked by itself.
  disk: (_, disk) =>
    firstChild(disk, "transient")
      ? [`${attribute(firstChild(disk, "target"), "dev")}, whose writes are thrown away`]
      : [],
  interface: card,
  hostdev: (_, device) => [attribute(device, "type") ?? "a device"],
  filesystem: (_, device) => {
    const source = firstChild(device, "source");
    return [attribute(source, "dir") ?? attribute(source, "socket") ?? "a folder"];
  },
  tpm: (_, device) => [attribute(firstChild(device, "backend"), "type") ?? "emulator"],
  shmem: (_, device) => [attribute(device, "name") ?? "shared memory"],
  // libvirt finds the destination's own.
  emulator: nothing,
  controller: nothing,
  memballoon: nothing,
  panic: nothing,
  watchdog: nothing,
  hub: nothing,
  sound: nothing,
  redirfilter: nothing,
  iommu: nothing,
  serial: reference,
  parallel: reference,
  console: reference,
  channel: reference,
  redirdev: reference,
  rng: reference,
  input: reference,
  smartcard: (kind, device) => {
    const mode = attribute(device, "mode") ?? "";
    return mode.startsWith("host") ? [mode] : reference(kind, device);
  },
  graphics,
  // `none` and the display's own go along.
  audio: (kind, audio) => {
    const type = attribute(audio, "type") ?? "none";
    return ["none", "spice", "dbus"].includes(type) ? paths(kind, audio) : [type];
  },
  video: (kind, video) => {
    const acceleration = firstChild(firstChild(video, "model"), "acceleration");
    const isHosts =
      attribute(acceleration, "accel3d") === "yes" || attribute(acceleration, "accel2d") === "yes";
    return [...(isHosts ? ["with the host's GPU"] : []), ...paths(kind, video)];
  },
  memory: (kind, memory) => (attribute(memory, "model") === "sgx-epc" ? ["sgx-epc"] : paths(kind, memory)),
  vsock: (_, device) => {
    const cid = firstChild(device, "cid");
    return attribute(cid, "auto") === "yes" ? [] : [`CID ${attribute(cid, "address") ?? "of its own"}`];
  },
};

/** How a part of the domain is read that is no device; of those that are not here, paths are. */
const partOfDomain: Readonly<Record<string, Reader>> = {
  devices: nothing,
  // Words of people's and programs', and what libvirt itself sets on each host.
  ...Object.fromEntries(
    ["name", "title", "description", "metadata", "resource", "seclabel", "cpu"].map((kind) => [
      kind,
      nothing,
    ]),
  ),
  // These files are asked about by themselves.
  os: (kind, { loader, nvram, kernel, initrd, dtb, cmdline, ...os }) => paths(kind, os),
  launchSecurity: (_, element) => [attribute(element, "type") ?? "of its own"],
  "qemu:commandline": (_, element) => {
    const args = children(element, "qemu:arg").map((arg) => attribute(arg, "value") ?? "");
    return args.filter((arg) =>
      arg.startsWith("-") ? !inside.includes(arg) : /(^|[=,:])\/|\bhost=/.test(arg),
    );
  },
};
/** QEMU's options that say of the machine what it is, not what it is connected to. */
const inside = [
  ...[
    "-global",
    "-set",
    "-cpu",
    "-machine",
    "-m",
    "-smp",
    "-smbios",
    "-boot",
    "-rtc",
    "-device",
    "-fw_cfg",
    "-accel",
  ],
  ...["-overcommit", "-msg", "-icount", "-watchdog-action", "-action", "-no-hpet", "-no-user-config"],
];
