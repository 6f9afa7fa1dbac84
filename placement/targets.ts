import type { LaidHost } from "./laid.ts";
import type { Amounts } from "./measures.ts";

/**
 * The hosts among which is the best target of any guest's move: those that no other one beats in everything. They are few, however many hosts
 * there are. Rules are not looked at: a guest that has some may have to go elsewhere.
 *
 * Whatever goes to a host adds `2 x p q + (p² - (p - p')² / hosts) q²` to the sum of squares, for a host that is `x` above the mean, where each
 * unit of the guest's need `q` is a share `p` of it, and `p'` of the host it comes from. So a host is no worse than another one if neither its
 * `x p` nor its `p` is more, in all dimensions; and it takes whatever the other one takes if it has no less room.
 */
export class Targets {
  readonly #hosts: readonly LaidHost[];
  /** Of each host, one after the other: its room, its `-p`, and `-p` times its use as a share. More is better. */
  readonly #figures: Float64Array;
  /** Which host beat each when last looked at: mostly it still does. */
  readonly #beatenBy: (number | undefined)[] = [];
  #found: readonly number[] = [];
  #seen = -1;

  constructor(hosts: readonly LaidHost[]) {
    this.#hosts = hosts;
    this.#figures = new Float64Array(width * hosts.length);
  }

  /** @param version of the layout that the hosts are in */
  in(version: number, { memory, vcpus, cpu }: Amounts): readonly LaidHost[] {
    const means = [memory, vcpus, cpu];
    this.#hosts.forEach((host, at) => {
      if (host.changedAt > this.#seen) this.#figures.set(figuresOf(host), width * at);
    });
    this.#seen = version;
    const left: number[] = [];
    for (const at of this.#hosts.keys())
      if (this.#hosts[at]?.mayReceive && !this.#isBeaten(at, this.#found, means)) left.push(at);
    this.#found = left.filter((at) => !this.#isBeaten(at, left, means));
    return this.#found.map((at) => this.#hosts[at] as LaidHost);
  }

  #isBeaten(at: number, others: readonly number[], means: readonly number[]): boolean {
    const last = this.#beatenBy[at];
    if (last !== undefined && this.#beats(last, at, means)) return true;
    this.#beatenBy[at] = others.find((other) => this.#beats(other, at, means));
    return this.#beatenBy[at] !== undefined;
  }

  #beats(one: number, other: number, means: readonly number[]): boolean {
    if (one === other) return false;
    const figures = this.#figures;
    const mine = width * one;
    const its = width * other;
    for (let index = 0; index < 7; index++)
      if ((figures[mine + index] as number) < (figures[its + index] as number)) return false;
    let isBetter = false;
    for (let index = 0; index < 3; index++) {
      const mean = means[index] as number;
      const more = above(figures, mine + index, mean) - above(figures, its + index, mean);
      if (more < 0) return false;
      isBetter ||= more > 0;
    }
    // Of hosts that are alike the first.
    return isBetter || one < other;
  }
}

const width = 10;

function figuresOf({ mayReceive, leftMiB, limit, used, per }: LaidHost): readonly number[] {
  return [
    mayReceive ? leftMiB : Number.NEGATIVE_INFINITY,
    ...[limit.memory - used.memory, limit.vcpus - used.vcpus, limit.cpu - used.cpu],
    ...[-per.memory, -per.vcpus, -per.cpu],
    ...[-(per.memory ** 2) * used.memory, -(per.vcpus ** 2) * used.vcpus, -(per.cpu ** 2) * used.cpu],
  ];
}

/** `-x p` in one dimension. */
const above = (figures: Float64Array, at: number, mean: number): number =>
  (figures[at + 7] as number) - mean * (figures[at + 4] as number);
