import { quote } from "../../ssh/quote.ts";
import { ifupdownBridge } from "./bridge-ifupdown.ts";
import { mentionWarnings } from "./bridge-mentions.ts";
import { netplanBridge } from "./bridge-netplan.ts";
import { networkdBridge } from "./bridge-networkd.ts";
import type { BridgeFindings, BridgePlan, TextFile } from "./findings.ts";

/**
 * What a new bridge takes of a host's network configuration: from what bridge-find.sh saw there, the files that
 * bridge.sh puts in.
 */
export function planBridge(found: BridgeFindings): BridgePlan {
  const elsewhere = mentionWarnings(found);
  if (found.manager === "ifupdown") {
    const { warnings = [], ...files } = ifupdownBridge(found);
    return { ...files, warnings: [...warnings, ...elsewhere] };
  }
  const keep = found.manager === "netplan" ? netplanBridge(found) : networkdBridge(found);
  const trial = keep.map(({ path, text }) => ({ path: path.replace(/^\/etc\//, "/run/"), text }));
  return { keep, trial, warnings: elsewhere };
}

/** Variables for bridge.sh. */
export function bridgeVariables(found: BridgeFindings): string {
  const { keep, trial } = planBridge(found);
  const array = (files: readonly TextFile[]) =>
    `(${files.map(({ path, text }) => `${quote(path)} ${quote(text)}`).join(" ")})`;
  return [
    `MANAGER=${quote(found.manager)}`,
    `JOINS=${quote(found.uplink?.name ?? "")}`,
    `KEEP=${array(keep)}`,
    `TRIAL=${array(trial)}`,
    "",
  ].join("\n");
}
