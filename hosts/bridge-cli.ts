/**
 * The filter between bridge-find.sh and bridge.sh: what one found on a host in, the other's variables out. It runs on
 * the machine that runs Pulumi (bridge-over.sh).
 *
 *   HOST_NAME   in front of an error
 */
import { text } from "node:stream/consumers";
import { bridgeVariables, planBridge } from "./bridge/bridge-plan.ts";
import { parseFindings } from "./bridge/findings.ts";

try {
  const found = parseFindings(await text(process.stdin));
  process.stdout.write(bridgeVariables(found));
  for (const warning of planBridge(found).warnings ?? []) {
    console.error(`${process.env.HOST_NAME}: warning: ${warning}`);
  }
} catch (error) {
  console.error(`${process.env.HOST_NAME}: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
