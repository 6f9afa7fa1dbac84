import { connect } from "node:net";
import { aroundMethods } from "./methods.ts";

const lookEveryMs = 5_000;

let underWay = 0;

/** The same resource, whose methods are counted while they run. */
export const counted = <T extends object>(resource: T): T =>
  aroundMethods(resource, async (method, args) => {
    underWay++;
    try {
      return await method(...args);
    } finally {
      underWay--;
    }
  });

const plugins = /[\\/](dynamic-provider([\\/]index\.js)?|plugin[\\/]main\.[jt]s)$/;

/**
 * Ends Pulumi's dynamic provider, or our plugin, in which this runs, once the engine that started it is gone and nothing is under way: a
 * CLI that is killed leaves it behind, and nobody else ends it. Until then nobody reads what it prints, which must not stop it in the middle
 * of a move.
 */
export function endWithEngine([, program = "", address = ""]: readonly string[] = process.argv): void {
  const [, host, port] = /^(.+):(\d+)$/.exec(address) ?? [];
  if (!plugins.test(program) || !host || !port) return;
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  setInterval(() => {
    const engine = connect(Number(port), host);
    engine.on("connect", () => engine.destroy());
    engine.on("error", () => underWay === 0 && process.exit());
  }, lookEveryMs).unref();
}
