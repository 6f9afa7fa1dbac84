import { parseDomain } from "./domain-facts.ts";

// A guest that this program did not make has a definition with more in it than a spec can say: that is kept as it is.

/** The definition of a guest (`virsh dumpxml --inactive`), with the memory, the CPUs and the password that are wanted now. */
export function adaptedDefinition(
  { name, memoryMiB, vcpus }: { name: string; memoryMiB: number; vcpus: number },
  definition: string,
  vncPassword?: string,
): string {
  const was = parseDomain(definition);
  const memory = was.memoryMiB === memoryMiB ? [] : (["memory", "currentMemory"] as const);
  const sized = memory.reduce(
    (xml, key) =>
      replaced(xml, name, new RegExp(`^( {2}<${key}\\b)[^>]*>\\d+<`, "m"), `$1 unit='MiB'>${memoryMiB}<`),
    was.vcpus === vcpus
      ? definition
      : replaced(definition, name, /^( {2}<vcpu\b)([^>]*)>\d+</m, (_, start: string, attributes: string) => {
          // As many as there may be are there from the start.
          return `${start}${attributes.replace(/ current='\d+'/, "")}>${vcpus}<`;
        }),
  );
  return vncPassword === undefined
    ? sized
    : replaced(sized, name, /(<graphics type='vnc')/, `$1 passwd='${escaped(vncPassword)}'`);
}

function replaced(
  xml: string,
  guest: string,
  pattern: RegExp,
  by: string | ((...groups: string[]) => string),
): string {
  const changed = xml.replace(pattern, by as string);
  if (changed === xml)
    throw new Error(`The definition of guest ${guest} is not as libvirt prints it: ${pattern} was not found`);
  return changed;
}

const escaped = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll("'", "&apos;")
    // What stands for a part of the match.
    .replaceAll("$", "$$$$");
