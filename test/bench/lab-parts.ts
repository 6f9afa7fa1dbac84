import type { Span } from "./pulumi.ts";

/** The parts of bringing a lab up, by the resources that do them. */
const parts: readonly { part: string; is: (span: Pick<Span, "name" | "type">) => boolean }[] = [
  { part: "containers", is: ({ name }) => name.endsWith("-lab-container") },
  { part: "KVM probe", is: ({ name }) => name.endsWith("-probe") },
  {
    part: "pool and base image",
    is: ({ name, type }) => /-pool-/.test(name) || type.endsWith(":Pool") || name.endsWith("-image-file"),
  },
  { part: "guests' disks", is: ({ name }) => /-(overlay|seed)$/.test(name) },
  {
    part: "guests' boot",
    is: ({ name, type }) => type.endsWith("testbed:Domain") || /^(?!.*-lab).*-ready$/.test(name),
  },
  { part: "migrations", is: ({ type }) => type.endsWith("testbed:Migration") },
  {
    part: "hosts' preparation",
    is: ({ name, type }) =>
      type.startsWith("command:") || type.startsWith("libvirt:") || name.endsWith("-libvirt"),
  },
];

export const partOf = (span: Pick<Span, "name" | "type">): string =>
  parts.find(({ is }) => is(span))?.part ?? "other";

export interface PartTime {
  part: string;
  resources: number;
  /** From the first one's beginning to the last one's end. */
  startMs: number;
  endMs: number;
  /** The longest of them. */
  longestMs: number;
}

/** How long each part took; they overlap. */
export function partTimes(spans: readonly Span[]): PartTime[] {
  const custom = spans.filter((span) => partOf(span) !== "other");
  return [...Map.groupBy(custom, partOf)]
    .map(([part, members]) => ({
      part,
      resources: members.length,
      startMs: Math.min(...members.map(({ startMs }) => startMs)),
      endMs: Math.max(...members.map(({ endMs }) => endMs)),
      longestMs: Math.max(...members.map(({ startMs, endMs }) => endMs - startMs)),
    }))
    .sort((a, b) => a.startMs - b.startMs);
}
