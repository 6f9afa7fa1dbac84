import { basename } from "node:path/posix";
import { hostParts } from "./host-parts.ts";
import { allChildren, attribute, attributes, type Element, firstChild, ownText, readXml } from "./xml.ts";

// Two definitions of one guest are compared whole, element by element, but for what libvirt adds by itself: so what nobody thought of
// differs as well.

/** How a definition differs from another one, in words. */
interface Differences {
  /** What it has beside what the other one has. */
  added: string[];
  /** What it has otherwise, or not at all. */
  changed: string[];
}

/**
 * @param declared the definition as it should be
 * @param defined what libvirt has (`virsh dumpxml --inactive`)
 *
 * Not compared: name, UUID, memory, CPUs and displays' ports; machine type, CPU model and UEFI variables; which file a disk is.
 */
export function differences(declared: string, defined: string): Differences {
  const [should, is] = [partsOf(declared), partsOf(defined)];
  return {
    added: beside(is, should).map((part) => inWords(part, part.said)),
    changed: [
      ...[...should].flatMap(([key, part]) => {
        const found = is.get(key);
        return found === undefined || found.value === part.value
          ? []
          : [`${inWords(part)} ${found.value || "nothing"} instead of ${part.value || "nothing"}`];
      }),
      ...beside(should, is).map((part) => `no ${inWords(part)}`),
    ],
  };
}

/** An element or an attribute. */
interface Part {
  /** Its name, and those of what it is in, from outside to inside. */
  names: readonly string[];
  /** What is compared. */
  value: string;
  /** What is said of it if only one of the definitions has it. */
  said: string;
}

type Parts = ReadonlyMap<string, Part>;
const keyOf = (names: readonly string[]): string => names.join("\n");
const inWords = ({ names }: Part, said = ""): string =>
  names.toReversed().join(" of ") + (said === "" ? "" : ` (${said})`);

/** What one has and the other has not; of what the other one has no part of, only the whole. */
const beside = (one: Parts, other: Parts): Part[] =>
  [...one.values()].filter(
    ({ names }) => !other.has(keyOf(names)) && (names.length === 1 || other.has(keyOf(names.slice(0, -1)))),
  );

function partsOf(definition: string): Parts {
  const domain = firstChild(readXml(definition), "domain");
  const parts = new Map<string, Part>();
  const note = (part: Part) => parts.set(keyOf(part.names), part);
  const read = (element: Element | undefined, path: string, names: readonly string[]) => {
    for (const [name, value] of attributes(element)) {
      if (!isIgnored(attributesIgnored, `${path}@${name}`, value))
        note({ names: [...names, name], value, said: value });
    }
    const times = new Map<string, number>();
    for (const [kind, inner] of allChildren(element)) {
      const innerPath = `${path}/${kind}`;
      if (kind === "address" || kind === "alias" || isIgnored(elementsIgnored, innerPath, inner)) continue;
      const name = path === "/devices" ? deviceName(kind, inner) : partName(kind, inner);
      const time = (times.get(name) ?? 0) + 1;
      times.set(name, time);
      const innerNames = [...names, time === 1 ? name : `${name} number ${time}`];
      const value = innerPath === "/vcpu" ? "" : (ownText(inner)?.trim() ?? "");
      const said = path === "/devices" ? deviceDetail(kind, inner, name) : value;
      note({ names: innerNames, value, said });
      read(inner, innerPath, innerNames);
    }
  };
  for (const [kind, element] of allChildren(domain)) {
    const isAllMemory =
      kind === "currentMemory" && ownText(element) === ownText(firstChild(domain, "memory"));
    if (kind === "devices") read(element, "/devices", []);
    else if (!isAllMemory) read({ [kind]: [element] }, "", []);
  }
  return parts;
}

/** Tells devices of one kind apart. */
function deviceName(kind: string, device: Element): string {
  if (kind === "disk") return `disk ${attribute(firstChild(device, "target"), "dev")}`;
  if (kind === "interface")
    return `network card ${attribute(firstChild(device, "mac"), "address")?.toLowerCase()}`;
  const own =
    kind === "channel"
      ? attribute(firstChild(device, "target"), "name")
      : ["type", "model", "mode"].map((name) => attribute(device, name)).find((value) => value !== undefined);
  return own === undefined ? kind : `${kind} ${own}`;
}

function deviceDetail(kind: string, device: Element, name: string): string {
  if (kind === "disk") {
    const source = firstChild(device, "source");
    return (
      attributes(source)
        .map(([, value]) => value)
        .join(" ") || "empty"
    );
  }
  return hostParts({ devices: [{ [kind]: [device] }] })
    .map(({ what }) => what)
    .filter((what) => !name.endsWith(` ${what}`))
    .join(", ");
}

/** Features, timers and the like have names. */
const partName = (kind: string, element: Element): string => {
  const name = attribute(element, "name");
  return name === undefined || kind === "driver" || kind === "model" ? kind : `${kind} ${name}`;
};

/** Paths of what is not compared, and with which content. */
type Ignored<T> = Readonly<Record<string, (content: T) => boolean>>;
const isIgnored = <T>(ignored: Ignored<T>, path: string, content: T): boolean =>
  ignored[path]?.(content) ?? false;
const always = () => true;

const elementsIgnored: Ignored<Element> = {
  "/name": always,
  "/uuid": always,
  "/memory": always,
  "/cpu": always,
  "/os/nvram": always,
  "/devices/disk/source": always,
  "/devices/disk/backingStore": always,
  "/devices/graphics/listen": always,
  // From here on: what libvirt adds, of one version or another.
  "/resource": always,
  "/seclabel": (label) => attribute(label, "type") === "dynamic",
  "/os/boot": (boot) => attribute(boot, "dev") === "hd",
  "/os/firmware": always,
  "/devices/emulator": (emulator) =>
    /^(qemu-system-x86_64|qemu-kvm|kvm)$/.test(basename(ownText(emulator) ?? "")),
  "/devices/controller": (controller) =>
    firstChild(controller, "driver") === undefined && attribute(controller, "model") !== "none",
  "/devices/audio": (audio) => ["none", "spice"].includes(attribute(audio, "type") ?? ""),
  "/devices/input": (input) => attribute(input, "bus") === "ps2",
  "/devices/watchdog": (watchdog) => attribute(watchdog, "model") === "itco",
  "/devices/console": (console) => attribute(firstChild(console, "target"), "type") === "serial",
  "/devices/serial/target": always,
  "/devices/interface/target": (target) => /^(vnet|macvtap)\d+$/.test(attribute(target, "dev") ?? ""),
  "/devices/channel/source": (source) => /\/libvirt\/qemu\//.test(attribute(source, "path") ?? ""),
};

const attributesIgnored: Ignored<string> = {
  "/os@firmware": always,
  "/os/type@machine": always,
  "/devices/disk@type": always,
  ...Object.fromEntries(
    ["port", "autoport", "tlsPort", "websocket"].map((name) => [`/devices/graphics@${name}`, always]),
  ),
  "/os/loader@format": always,
  "/os/loader@secure": always,
  "/vcpu@placement": (value) => value === "static",
  ...Object.fromEntries(
    ["vram", "vram64", "ram", "vgamem", "heads", "primary"].map((name) => [
      `/devices/video/model@${name}`,
      always,
    ]),
  ),
};
