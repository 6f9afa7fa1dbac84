import { isDeepStrictEqual } from "node:util";
import { workloadSchema } from "../guests/workload.ts";
import { inFlow, type Mistake, pathText } from "./mistake.ts";
import type { Past } from "./past.ts";
import type { Plan } from "./plan.ts";

/**
 * Whether guests are to do something else than they were made for. A guest gets its workload at its first boot, with its disk: the records
 * of its moves would tell of a load that was not there.
 */
export function checkWorkloads(past: Past, plan: Plan): Mistake[] {
  return plan.guests.flatMap(({ name, workload }, index) => {
    const before = past.guests.find((guest) => guest.name === name)?.workload;
    // Settings that it was made without, as there were none yet, are what they are by default.
    const { data = before } = workloadSchema.safeParse(before);
    if (before === undefined || isDeepStrictEqual(data, workload)) return [];
    return [
      {
        path: pathText(["guests", index, "workload"]),
        problem: `${name} was made with ${inFlow(data)}, and a guest gets its workload at its first boot`,
        mend: "put that back, or give the guest another name: this one is then removed with its disk, and a new one is made",
      },
    ];
  });
}
