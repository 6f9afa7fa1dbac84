import { shutDown } from "../../domain/power.ts";
import { measureSteps, type PhaseEnd } from "../measuring/measure.ts";
import type { Mode } from "./mode.ts";

/** The guest is shut down as by its power button, defined at the destination and started there. */
export const cold: Mode = ({ moving, witness, watch }) => {
  const { guest: name, uuid, source, options } = moving;
  const phaseEnds: PhaseEnd[] = [];
  return {
    async begin() {
      await shutDown(source.session, { name, uuid }, options.timeoutMs);
      phaseEnds.push({ phase: "shutdown", endMs: watch.nowMs() });
    },
    stepped(step) {
      if (step.do === "copy-overlay") phaseEnds.push({ phase: "storage", endMs: watch.nowMs() });
      if (step.do === "define") phaseEnds.push({ phase: "define", endMs: watch.nowMs() });
    },
    measure: async (endMs, clocks) => measureSteps(witness, phaseEnds, "start", clocks, watch, endMs),
  };
};
