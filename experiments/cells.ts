import { withoutAbsent } from "../libvirt/without-absent.ts";
import type { Factors } from "../moves/experiment-run.ts";
import { fitting } from "../moves/misfits.ts";
import { defaultMode } from "../moves/options.ts";
import type { Experiment, ExperimentGuest, Way } from "./experiment.ts";

/** One combination of what an experiment varies: it gets as many moves as any other. */
export interface Cell {
  /** Such as `mysql-768/live`, with the link's rate behind an @ when there are several. */
  id: string;
  factors: Factors;
  /** Which guests move in one turn, in the order of the file. */
  guests: string[];
  way: Way;
  linkMiBps?: number;
  /** A policy decides which of them move. */
  isDecided?: true;
}

/** All combinations of guests, ways and rates of the link, in the order of the file. */
export function cellsOf(experiment: Experiment): Cell[] {
  const { guests, moves, ways, policy, lose, linksMiBps = [undefined] } = experiment;
  const subjects = moves === "each" ? guests.map((guest) => [guest]) : [guests];
  const isDecided = moves === "decided";
  const what = isDecided ? (lose === undefined ? (policy?.kind ?? "all") : `${lose} lost`) : "all";
  return subjects.flatMap((subject) =>
    Object.entries(ways).flatMap(([name, said]) =>
      linksMiBps.map((linkMiBps): Cell => {
        const { arrangement, direction, ...options } = said;
        const moved = fitting({
          mode: defaultMode,
          ...withoutAbsent({ ...experiment.migration, ...options }),
        });
        const id = `${moves === "each" ? subject[0]?.name : what}/${name}`;
        return {
          id: linksMiBps.length > 1 ? `${id}@${linkMiBps}` : id,
          factors: {
            ...(moves === "each" ? guestFactors(subject[0] as ExperimentGuest) : { guests: subject.length }),
            ...(isDecided && policy && { policy: policy.kind }),
            ...(lose !== undefined && { lose }),
            way: name,
            ...flat(moved),
            ...(arrangement && { arrangement }),
            ...(direction && { direction }),
            ...(linkMiBps !== undefined && { linkMiBps }),
          },
          guests: subject.map((guest) => guest.name),
          way: said,
          ...(linkMiBps !== undefined && { linkMiBps }),
          ...(isDecided && { isDecided }),
        };
      }),
    ),
  );
}

function guestFactors({ name, memoryMiB, vcpus, redo, workload }: ExperimentGuest): Factors {
  const { type, ...settings } = workload;
  // Its rate and the like: workloadMibPerSecond, workloadWorkingSetMiB.
  const named = Object.entries(settings).map(([key, value]) => [
    `workload${key[0]?.toUpperCase()}${key.slice(1)}`,
    value,
  ]);
  return { guest: name, memoryMiB, vcpus, redo, workload: type, ...flat(Object.fromEntries(named)) };
}

/** `{autoConverge: {initial: 20}}` is `{"autoConverge.initial": 20}`; `{autoConverge: {}}` is `{autoConverge: true}`. */
function flat(options: object, prefix = ""): Factors {
  const entries = Object.entries(options).flatMap(([key, value]): [string, Factors[string]][] => {
    const name = `${prefix}${key}`;
    if (value === undefined || value === null) return [];
    if (typeof value !== "object") return [[name, value]];
    const inner = Object.entries(flat(value, `${name}.`));
    return inner.length > 0 ? inner : [[name, true]];
  });
  return Object.fromEntries(entries);
}
