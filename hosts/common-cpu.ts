import { convert, create } from "xmlbuilder2";
import { isOlder } from "../libvirt/versions.ts";
import type { HostFacts } from "./facts.ts";

/** What is known of a host's libvirt, and what it said is the best CPU that all hosts can give a guest. */
export interface CpuAnswer
  extends Pick<HostFacts, "accelerator" | "libvirt" | "hostModel" | "models" | "features" | "addressBits"> {
  name: string;
  /** The `cpu` element; empty: it could not say. */
  cpuXml: string;
}

interface Feature {
  "@policy": string;
  "@name": string;
}

interface Cpu {
  model?: string | { "#": string };
  feature?: Feature | Feature[];
  maxphysaddr?: object;
}

/**
 * A `cpu` element that every host's libvirt understands. Each was asked; the newest knows the names that the others use, and the order of
 * the hosts says nothing about that. Where its words are not known everywhere, the next one's are tried.
 *
 * @throws when none will do
 */
export function commonCpu(answers: readonly CpuAnswer[]): string {
  const nameless = answers.filter(({ hostModel }) => hostModel === "").map(({ name }) => name);
  if (nameless.length > 0) {
    throw new Error(
      `libvirt on ${nameless.join(", ")} names no CPU model for guests (host-model is not supported in \`virsh domcapabilities\`), so that nothing is known to run on all hosts. Install a newer libvirt there, or set that host's accelerator to tcg. No guest was touched`,
    );
  }
  const newestFirst = answers.toSorted((one, other) =>
    isOlder(one.libvirt, other.libvirt) ? 1 : isOlder(other.libvirt, one.libvirt) ? -1 : 0,
  );
  const problems: string[] = [];
  for (const { name, libvirt, cpuXml } of newestFirst) {
    if (cpuXml.trim() === "") {
      problems.push(`libvirt ${libvirt} on ${name} could not say`);
      continue;
    }
    const { cpu } = convert(cpuXml, { format: "object" }) as unknown as { cpu: Cpu };
    const fault = unknownTo(cpu, answers);
    if (!fault) return withAddressesOfAll(withoutUnknown(cpuXml, cpu, answers), answers);
    problems.push(`libvirt ${libvirt} on ${name} says ${fault}`);
  }
  throw new Error(
    `The hosts have no CPU model in common that libvirt has a name for on each of them: ${problems.join("; ")}. Bring the hosts to versions that are closer together, or set the accelerator of all to tcg. No guest was touched`,
  );
}

const featuresOf = ({ feature }: Cpu): Feature[] => (feature ? [feature].flat() : []);

const knows = (words: readonly string[], word: string): boolean => words.length === 0 || words.includes(word);

/** The first word of it that some host needs and does not know, in a sentence's end. */
function unknownTo(cpu: Cpu, hosts: readonly CpuAnswer[]): string | undefined {
  const model = typeof cpu.model === "object" ? cpu.model["#"] : cpu.model;
  const required = featuresOf(cpu).filter((feature) => feature["@policy"] !== "disable");
  for (const { name, models, features } of hosts) {
    if (model !== undefined && !knows(models, model)) return `${model}, which ${name} does not know`;
    const unknown = required.find((feature) => !knows(features, feature["@name"]));
    if (unknown) return `${model} with ${unknown["@name"]}, which ${name} does not know`;
  }
  return undefined;
}

/** A feature that a host has no name for cannot be switched off there; its QEMU does not switch it on by that model either. */
function withoutUnknown(cpuXml: string, cpu: Cpu, hosts: readonly CpuAnswer[]): string {
  const known = featuresOf(cpu).filter((feature) =>
    hosts.every(({ features }) => knows(features, feature["@name"])),
  );
  // As libvirt wrote it, wherever that will do: a guest's definition is compared by its text.
  if (known.length === featuresOf(cpu).length) return cpuXml;
  return create({ cpu: { ...cpu, feature: known } }).end({ prettyPrint: true, headless: true });
}

/** What QEMU gives a model that says nothing of it. */
const defaultAddressBits = 40;

/** As wide as the narrowest host's: a guest that had one host's own width could not go to a narrower one. */
function withAddressesOfAll(cpuXml: string, hosts: readonly CpuAnswer[]): string {
  const widths = hosts.flatMap(({ addressBits }) => addressBits ?? []);
  if (widths.length < hosts.length || hosts.some(({ accelerator }) => accelerator !== "kvm")) return cpuXml;
  const { cpu } = convert(cpuXml, { format: "object" }) as unknown as { cpu: Cpu };
  const least = Math.min(...widths);
  const differ = new Set(widths).size > 1;
  if (!differ || (cpu.maxphysaddr === undefined && least >= defaultAddressBits)) return cpuXml;
  const maxphysaddr = { "@mode": "emulate", "@bits": least };
  return create({ cpu: { ...cpu, maxphysaddr } }).end({ prettyPrint: true, headless: true });
}
