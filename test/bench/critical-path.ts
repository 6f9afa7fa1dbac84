import type { Span, StateResource } from "./pulumi.ts";

/** One resource on the critical path. */
export interface Leg {
  name: string;
  type: string;
  /** When all that it waits for was there. */
  freeMs: number;
  /** Its turn began: what lies between is the program's and the engine's. */
  startMs: number;
  endMs: number;
}

/**
 * What an update took its time for: from the resource that was ready last, back through what each waited for longest. Only what is on
 * this path makes the update shorter when it gets faster.
 */
export function criticalPath(spans: readonly Span[], state: readonly StateResource[], last: Span): Leg[] {
  const spanOf = new Map(spans.filter(({ type }) => !isComponent(type)).map((span) => [span.urn, span]));
  const resourceOf = new Map(state.map((resource) => [resource.urn, resource]));
  const legs: Leg[] = [];
  for (let span: Span | undefined = last; span; ) {
    const { urn, name, type, startMs, endMs }: Span = span;
    const awaited = awaitedBy(resourceOf.get(urn)).flatMap((before) => spanOf.get(before) ?? []);
    const latest: Span | undefined = awaited
      .filter((before) => before.endMs <= endMs && before.urn !== urn)
      .reduce<Span | undefined>((a, b) => (a && a.endMs >= b.endMs ? a : b), undefined);
    legs.unshift({ name, type, freeMs: latest?.endMs ?? 0, startMs, endMs });
    span = latest;
  }
  return legs;
}

function awaitedBy(resource: StateResource | undefined): string[] {
  const provider = resource?.provider?.split("::").slice(0, -1).join("::");
  return [...(resource?.dependencies ?? []), ...(provider ? [provider] : [])];
}

/** A component has no turn of its own: it is done when the program says so. */
const isComponent = (type: string): boolean =>
  type.startsWith("testbed:index:") || type === "pulumi:pulumi:Stack";
