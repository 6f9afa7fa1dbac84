import { credentials } from "@grpc/grpc-js";
import engine from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/engine_pb.js";
import type { Tell } from "../fleet/tell.ts";

// What is printed in Pulumi's dynamic provider stays, in the stack's row and once more below all rows. What passes is handed to the engine,
// which shows it in the row of its resource and then forgets it.

/** bin/pulumi says so when the output goes to no terminal: each line of progress is then a line that stays, and few will do. */
const isTerminal = process.env.KVM_MIGRATION_TESTBED_TERMINAL !== "no";
const everyMs = isTerminal ? 500 : 10_000;
/** What takes no longer needs no progress. */
const patienceMs = isTerminal ? 0 : 2_000;

/**
 * @param row the URN of the resource in whose row progress is shown. Default: the stack's
 * @param engineAddress the engine's, with which Pulumi starts its dynamic provider. Absent: progress is shown as everything else
 */
export function screenOf(row: string | undefined, engineAddress: string | undefined = process.argv[2]): Tell {
  const begunMs = performance.now();
  let shownMs = Number.NEGATIVE_INFINITY;
  return (line, isPassing = false) => {
    const nowMs = performance.now();
    if (!isPassing || engineAddress === undefined) console.log(line);
    else if (nowMs - begunMs >= patienceMs && nowMs - shownMs >= everyMs) {
      shownMs = nowMs;
      show(engineAddress, row, line);
    }
  };
}

const clients = new Map<string, InstanceType<typeof engine.EngineClient>>();

/** An engine that is gone shows nothing: that is no reason to stop. */
function show(address: string, row: string | undefined, line: string): void {
  const client = clients.get(address) ?? new engine.EngineClient(address, credentials.createInsecure());
  clients.set(address, client);
  const request = new messages.LogRequest();
  request.setSeverity(messages.LogSeverity.INFO);
  request.setMessage(line);
  request.setUrn(row ?? "");
  request.setEphemeral(true);
  client.log(request, () => {});
}
