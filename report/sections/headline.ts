import { median } from "simple-statistics";
import { type AskedClaims, askedClaims } from "../claims/asked-claims.ts";
import { judgedClaims } from "../claims/claims.ts";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { groupsOf, stratumOf } from "../data/groups.ts";
import { isLive, isOffline, workloadOf } from "../data/measures.ts";
import { duration } from "../text/table-model.ts";

/** What someone who opens a report is to know in ten seconds. */
export interface Headline {
  /** How many moves, of what, and when. */
  moves: string;
  /** The machines, the link and the limits that make figures what they are. */
  measuredOn: string;
  /** What came of it. */
  says: string[];
}

/** @param compared what came of holding two runs against each other; absent: there are not two */
export function headlineOf(dataset: Dataset, compared?: string): Headline {
  return {
    moves: movesText(dataset),
    measuredOn: measuredOn(dataset),
    says: [...(compared ? [compared] : []), effectText(dataset), ...claimsText(askedClaims(dataset))],
  };
}

function movesText(dataset: Dataset): string {
  const { moves, sources } = dataset;
  const counted = countedMoves(dataset);
  const days = moves.map(({ record }) => record.startedAt.slice(0, 10)).sort();
  const [first, last] = [days[0], days.at(-1)];
  const when = first === undefined ? "" : first === last ? ` on ${first}` : ` from ${first} to ${last}`;
  // A run is called by when it began.
  const runs = sources.flatMap(({ head }) => (head ? [`${head.experiment} (run ${head.run})`] : []));
  const whose = runs.length > 0 ? ` of ${runs.join(" and ")}` : when;
  const cells = groupsOf(counted).length;
  const made = `${moves.length} ${moves.length === 1 ? "move" : "moves"}`;
  const isAll = counted.length === moves.length;
  const which =
    cells === 0
      ? ""
      : `, ${isAll ? "all" : counted.length} of them counted, in ${cells} ${cells === 1 ? "cell" : "cells"}`;
  return `${made}${whose}${moves.length > 1 ? which : ""}.`;
}

/** Each value that there is, once. */
const values = <T>(all: readonly T[]): T[] => [...new Set(all)];

const accelerators = { tcg: "emulated guests (TCG)", kvm: "guests under KVM" } as const;

/** Facts of the files alone: what they do not say is not there. */
function measuredOn({ sources, moves }: Dataset): string {
  const heads = sources.flatMap(({ head }) => head ?? []);
  const records = moves.map(({ record }) => record);
  const hosts = values([
    ...heads.flatMap(({ conditions }) => Object.keys(conditions.hosts)),
    ...records.flatMap(({ from, to }) => [from, to]),
  ]);
  // An experiment that names no stack makes a lab: containers on the machine that drives it.
  const cores = values(
    heads.flatMap(({ asked, conditions }) =>
      (asked as { stack?: unknown } | null)?.stack === undefined ? [conditions.controller.cores] : [],
    ),
  );
  const isLab = heads.length > 0 && heads.length === sources.length && cores.length === 1;
  const links = values(
    moves.flatMap(({ cell, record }) => cell?.factors.linkMiBps ?? roundLink(record.linkMiBps) ?? []),
  );
  const limits = values(records.flatMap(({ options }) => options?.maxDowntimeMs ?? []));
  const qemu = values(records.flatMap(({ versions }) => [versions.from.qemu, versions.to.qemu]));
  const some = (all: readonly unknown[], before: string, after: string): string[] =>
    all.length === 0
      ? []
      : [`${before}${all.length > 3 ? `${all.slice(0, 3).join(", ")} and others` : all.join(", ")}${after}`];
  return [
    ...values(records.map(({ accelerator }) => accelerators[accelerator])),
    ...(hosts.length === 0
      ? []
      : isLab
        ? [`${hosts.length} containers on one machine with ${cores[0]} cores`]
        : some(hosts, "hosts ", "")),
    ...some(links, "link ", " MiB/s"),
    ...some(limits, "downtime limit ", " ms"),
    ...some(qemu, "QEMU ", ""),
  ].join(" · ");
}

const roundLink = (mibps: number | undefined): number | undefined => mibps && Math.round(mibps);

const downtimeOf = ({ record }: Move): number | undefined => record.downtimeMs;
const totalOf = ({ record }: Move): number => record.totalMs;

/** The median of guests' medians: a guest that was moved more often counts no more. */
function middleOf(moves: readonly Move[], of: (move: Move) => number | undefined): number | undefined {
  const guests = [...Map.groupBy(moves, ({ record }) => record.guest).values()].flatMap((own) => {
    const known = own.map(of).filter((value) => value !== undefined);
    return known.length > 0 ? [median(known)] : [];
  });
  return guests.length > 0 ? median(guests) : undefined;
}

function effectText(dataset: Dataset): string {
  const counted = countedMoves(dataset);
  if (counted.length === 0)
    return dataset.moves.length === 0
      ? "No move was measured yet."
      : "No move counts: none was completed with figures that add up.";
  return liveAgainstOffline(dataset, counted) ?? byMode(counted);
}

/** Where guests were moved both live and offline under the same conditions. */
function liveAgainstOffline(dataset: Dataset, counted: readonly Move[]): string | undefined {
  const effectsOf = (id: string) =>
    judgedClaims(dataset)
      .find(({ claim }) => claim.id === id)
      ?.finding.guests?.filter(({ value }) => Number.isFinite(value)) ?? [];
  const [downtimes, totals] = [effectsOf("live-downtime-shorter"), effectsOf("live-total-longer")];
  if (downtimes.length === 0 || totals.length === 0) return undefined;
  // As those effects are computed: of the same guest under the same conditions and the same limit.
  const keyOf = (move: Move) =>
    JSON.stringify([move.record.guest, stratumOf(move), move.record.options?.bandwidthMiBps]);
  const keys = (which: (move: Move) => boolean) => new Set(counted.filter(which).map(keyOf));
  const [ofLive, ofOffline] = [keys(isLive), keys(isOffline)];
  const compared = counted.filter((move) => ofLive.has(keyOf(move)) && ofOffline.has(keyOf(move)));
  const guests = new Set(compared.map(({ record }) => record.guest));
  const [live, offline] = [compared.filter(isLive), compared.filter(isOffline)].map((moves) =>
    middleOf(moves, downtimeOf),
  );
  if (live === undefined || offline === undefined) return undefined;
  const times = median(downtimes.map(({ value }) => value));
  const total = median(totals.map(({ value }) => value));
  const who = guests.size === 1 ? guestText(compared, counted) : `the median of ${guests.size} guests`;
  const part = `${Math.round(Math.abs(total - 1) * 100)} %`;
  const inAll = part === "0 %" ? "as much time in all" : `${part} ${total < 1 ? "less" : "more"} time in all`;
  return `Moved live, ${who} stood still for ${duration(live)}; moved offline, for ${duration(offline)}, ${timesText(times)} as long. A live move took ${inAll}.`;
}

/** A guest's name, with its size and workload where the same guest was moved with others, too. */
function guestText([first]: readonly Move[], counted: readonly Move[]): string {
  const { record } = first as Move;
  const { guest, memoryMiB } = record;
  const known = new Set(counted.flatMap((move) => (move.record.guest === guest ? stratumOf(move) : [])));
  return known.size === 1 ? guest : `${guest} (${memoryMiB} MiB, ${workloadOf(record)})`;
}

const timesText = (times: number): string => `${times >= 10 ? Math.round(times) : times.toFixed(1)} times`;

function byMode(counted: readonly Move[]): string {
  const [only, ...others] = counted;
  if (only && others.length === 0) {
    const { guest, mode, from, to, totalMs, downtimeMs } = only.record;
    const still = downtimeMs === undefined ? "" : `, and stood still for ${duration(downtimeMs)} of it`;
    return `${guest} moved from ${from} to ${to} in ${duration(totalMs)} (${mode})${still}.`;
  }
  const modes = [...Map.groupBy(counted, ({ record }) => record.mode)].map(([mode, moves]) => {
    const [downtime, total] = [middleOf(moves, downtimeOf), middleOf(moves, totalOf) as number];
    return `${mode} ${downtime === undefined ? "" : `${duration(downtime)} of `}${duration(total)}`;
  });
  return `How long the guest stood still in a move, and how long that took: ${modes.join("; ")} (median guest).`;
}

/** What came of the paper's claims, where these moves were made to test them. */
function claimsText({ shown, isAsked }: AskedClaims): string[] {
  if (!isAsked) return [];
  const of = (verdict: string) => shown.filter(({ finding }) => finding.verdict === verdict);
  const [not, open] = [of("not reproduced"), of("can't tell")];
  const named = not.length === 0 ? "" : `: ${not.map(({ claim }) => claim.says).join("; ")}`;
  return [
    `Of the paper's ${shown.length} claims ${of("reproduced").length} are reproduced, ${open.length} can't be told, ${not.length} ${not.length === 1 ? "is" : "are"} not reproduced${named}.`,
  ];
}
