import type { RunHead } from "../../moves/experiment-run.ts";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { summaryOf } from "../data/statistics.ts";

/** Under what conditions the moves were made: what runs' heads say, and what the records themselves have. */
export function conditionRows(dataset: Dataset): [string, string][] {
  const { sources, moves } = dataset;
  const heads = sources.flatMap(({ head }) => head ?? []);
  const several = heads.length > 1;
  const ofHeads = heads.flatMap((head): [string, string][] => {
    const { run, seed, cells, conditions } = head;
    const { controller, hosts, versions } = conditions;
    const said = (name: string): string => (several ? `${name} (${run})` : name);
    return [
      [
        said("design"),
        `${cells.length} cells, ${repeatsText(dataset, head)} each, order shuffled in blocks with seed ${seed}`,
      ],
      [
        said("controller"),
        `${controller.cpu}, ${controller.cores} cores, ${controller.memoryMiB} MiB, kernel ${controller.kernel}`,
      ],
      ...Object.entries(hosts).map(([name, host]): [string, string] => [
        said(name),
        `${host.cpuModel}, ${host.memoryMiB} MiB, ${host.accelerator}, NFS by the ${host.nfsTransport === "kernel" ? "kernel" : "QEMU process"}, QEMU ${host.qemu}, libvirt ${host.libvirt}, kernel ${host.kernel}`,
      ]),
      [
        said("versions"),
        Object.entries(versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(", "),
      ],
    ];
  });
  const loads = moves.flatMap(({ loadBefore }) => Object.values(loadBefore ?? {}));
  const load = summaryOf(loads);
  return [
    ...ofHeads,
    ...valuesOf("accelerator", moves, ({ record }) => record.accelerator),
    ...valuesOf("NFS client", moves, ({ record }) => record.nfsTransport),
    ...valuesOf("QEMU", moves, ({ record }) => record.versions.from.qemu),
    ...valuesOf("libvirt", moves, ({ record }) => record.versions.from.libvirt),
    ...valuesOf("kernel", moves, ({ record }) => record.versions.from.kernel),
    ...valuesOf("link, MiB/s", moves, ({ cell }) => cell?.factors.linkMiBps?.toString()),
    ...valuesOf("greatest downtime, ms", moves, ({ record }) => record.options?.maxDowntimeMs?.toString()),
    ...valuesOf("overlay", moves, ({ record }) => record.redo ?? "shared"),
    ...(load
      ? [
          [
            "load before moves",
            `median ${load.median.toFixed(2)}, ${load.least.toFixed(2)} to ${load.most.toFixed(2)}`,
          ] as [string, string],
        ]
      : []),
  ];
}

/** How many repeats a run's cells got, of how many were asked for. */
export function repeatsText(dataset: Dataset, { run, repeats, cells }: RunHead): string {
  const file = dataset.sources.find(({ head }) => head?.run === run)?.file;
  const made = Map.groupBy(
    countedMoves(dataset).filter((move) => move.file === file),
    ({ cell }) => cell?.id,
  );
  const counts = cells.map(({ id }) => new Set(made.get(id)?.map(({ repeat }) => repeat)).size);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return `${least === most ? least : `${least} to ${most}`} of ${repeats} repeats`;
}

/** Which values there are, and of how many moves each, if there are several. */
function valuesOf(
  name: string,
  moves: readonly Move[],
  of: (move: Move) => string | undefined,
): [string, string][] {
  const known = moves.filter((move) => of(move) !== undefined);
  const values = Map.groupBy(known, of);
  const text = [...values]
    .map(([value, some]) => (values.size > 1 ? `${value} (${some.length})` : value))
    .join(", ");
  return text === "" ? [] : [[name, text]];
}
