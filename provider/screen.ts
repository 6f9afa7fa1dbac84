import { AsyncLocalStorage } from "node:async_hooks";
import { credentials, Metadata } from "@grpc/grpc-js";
import engine from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/engine_pb.js";
import type { Tell } from "../fleet/tell.ts";

// What is printed in Pulumi's dynamic provider stays, in the stack's row and once more below all rows. What passes is handed to the engine,
// which shows it in the row of its resource and then forgets it. Of every other plugin the CLI shows nothing that is printed: there the
// engine is handed what stays, too.

/** bin/pulumi says so when the output goes to no terminal: each line of progress is then a line that stays, and few will do. */
const isTerminal = process.env.KVM_MIGRATION_TESTBED_TERMINAL !== "no";
const everyMs = isTerminal ? 500 : 10_000;
/** What takes no longer needs no progress. */
const patienceMs = isTerminal ? 0 : 2_000;

/** In a plugin: the URN of the resource that is worked on. */
const rows = new AsyncLocalStorage<string>();

/** Works on a resource of a plugin's: what is told meanwhile is shown in its row, all of it before this ends. */
export const inRowOf = async <T>(urn: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await rows.run(urn, work);
  } finally {
    await Promise.all(underWay);
  }
};

/** The engine's address, with which Pulumi starts its plugins. */
const addressOf = (args: readonly string[]): string | undefined =>
  args.slice(2).find((argument) => /^[\w.[\]-]+:\d+$/.test(argument));

/**
 * @param row the URN of the resource in whose row progress is shown. Default: the one that a plugin works on, or else the stack's
 * @param engineAddress absent: progress is shown as everything else
 */
export function screenOf(
  row: string | undefined = rows.getStore(),
  engineAddress: string | undefined = addressOf(process.argv),
): Tell {
  const isHidden = rows.getStore() !== undefined;
  const begunMs = performance.now();
  let shownMs = Number.NEGATIVE_INFINITY;
  return (line, isPassing = false) => {
    const nowMs = performance.now();
    if (engineAddress === undefined || (!isPassing && !isHidden)) console.log(line);
    else if (!isPassing) show(engineAddress, row, line, false);
    else if (nowMs - begunMs >= patienceMs && nowMs - shownMs >= everyMs) {
      shownMs = nowMs;
      show(engineAddress, row, line, true);
    }
  };
}

/** Tells what stays. */
export const tell: Tell = (line) => screenOf()(line);

const clients = new Map<string, InstanceType<typeof engine.EngineClient>>();
const underWay = new Set<Promise<void>>();
const patienceWithEngineMs = 5_000;

/** An engine that is gone shows nothing: that is no reason to stop. */
function show(address: string, row: string | undefined, line: string, isPassing: boolean): void {
  const client = clients.get(address) ?? new engine.EngineClient(address, credentials.createInsecure());
  clients.set(address, client);
  const request = new messages.LogRequest();
  request.setSeverity(messages.LogSeverity.INFO);
  request.setMessage(line);
  request.setUrn(row ?? "");
  request.setEphemeral(isPassing);
  const options = { deadline: Date.now() + patienceWithEngineMs };
  const shown = new Promise<void>((resolve) =>
    client.log(request, new Metadata(), options, () => resolve()),
  ).then(() => void underWay.delete(shown));
  underWay.add(shown);
}
