import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { shuffle } from "simple-statistics";
import type { Cell } from "./cells.ts";

/** One move that is to be made, or all moves of one turn where guests move together. */
export interface Turn {
  /** Counted from 1 over the whole run. */
  order: number;
  /** Each block has every cell once, in an order of its own; warm-up is before, in block 1. */
  block: number;
  cell: string;
  /** Counted from 1 in its cell, warm-up and the rest apart. */
  repeat: number;
  isWarmUp: boolean;
}

interface Design {
  cells: readonly Cell[];
  repeats: number;
  /** For each guest, or group of guests that move together. */
  warmUps: number;
  /** The same seed gives the same order, on any machine. */
  seed: number;
}

/**
 * In which order the moves of an experiment are made. Blocks keep a slow change of the machine (its temperature, a backup that runs, a
 * cache that fills) from meeting one cell more than another; chance inside of them keeps a cell from always coming after the same one.
 */
export function schedule({ cells, repeats, warmUps, seed }: Design): Turn[] {
  const generator = xoroshiro128plus(seed);
  const random = () => uniformFloat64(generator);
  const mixed = (some: readonly Cell[]) => shuffle([...some], random);

  const subjects = [...Map.groupBy(cells, ({ guests }) => guests.join()).values()];
  // A guest's first moves are made in ways drawn from its own.
  const warm = Array.from({ length: warmUps }, () =>
    mixed(subjects.map((own) => own[Math.floor(random() * own.length)] as Cell)),
  ).flat();
  const blocks = Array.from({ length: repeats }, () => mixed(cells));

  const warmTurns = warm.map(({ id }, index) => ({
    block: 1,
    cell: id,
    repeat: warm.slice(0, index + 1).filter((other) => other.id === id).length,
    isWarmUp: true,
  }));
  const turns = blocks.flatMap((block, index) =>
    block.map(({ id }) => ({ block: index + 1, cell: id, repeat: index + 1, isWarmUp: false })),
  );
  return [...warmTurns, ...turns].map((turn, index) => ({ order: index + 1, ...turn }));
}

/** A seed that no one chose. */
export const drawSeed = (): number => Math.floor(Math.random() * 2 ** 31);
