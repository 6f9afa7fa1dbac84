import type { Amounts } from "../terms/standing.ts";
import type { LaidHost } from "./laid.ts";

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
  /** Of each host, one after the other by their index: its room, its `-p` and its `-x p`. More is better. */
  readonly #figures: Float64Array;
  /** Which host beat each when last looked at: mostly it still does. Absent: none did. */
  readonly #beatenBy: (LaidHost | undefined)[] = [];
  #found: readonly LaidHost[] = [];

  constructor(hosts: readonly LaidHost[]) {
    this.#hosts = hosts;
    this.#figures = new Float64Array(width * (Math.max(-1, ...hosts.map(({ index }) => index)) + 1));
  }

  /** @param means of the shares that hosts use, as they are now */
  now(means: Amounts): readonly LaidHost[] {
    for (const host of this.#hosts) this.#measure(host, means);
    // Those that were found last time are held against one another alone.
    const wasFound = ({ index }: LaidHost) => this.#beatenBy[index] === undefined;
    const left = this.#hosts.filter(
      (host) => host.mayReceive && (wasFound(host) || !this.#isBeaten(host, this.#found)),
    );
    this.#found = left.filter((host) => !this.#isBeaten(host, left));
    return this.#found;
  }

  #measure({ index, mayReceive, leftMiB, limit, used, per }: LaidHost, means: Amounts): void {
    const figures = this.#figures;
    const at = width * index;
    figures[at] = mayReceive ? leftMiB : Number.NEGATIVE_INFINITY;
    figures[at + 1] = limit.memory - used.memory;
    figures[at + 2] = limit.vcpus - used.vcpus;
    figures[at + 3] = limit.cpu - used.cpu;
    figures[at + 4] = -per.memory;
    figures[at + 5] = -per.vcpus;
    figures[at + 6] = -per.cpu;
    figures[at + 7] = (means.memory - used.memory * per.memory) * per.memory;
    figures[at + 8] = (means.vcpus - used.vcpus * per.vcpus) * per.vcpus;
    figures[at + 9] = (means.cpu - used.cpu * per.cpu) * per.cpu;
  }

  #isBeaten(host: LaidHost, others: readonly LaidHost[]): boolean {
    const last = this.#beatenBy[host.index];
    if (last !== undefined && this.#beats(last, host)) return true;
    this.#beatenBy[host.index] = others.find((other) => this.#beats(other, host));
    return this.#beatenBy[host.index] !== undefined;
  }

  #beats({ index: one }: LaidHost, { index: other }: LaidHost): boolean {
    if (one === other) return false;
    const figures = this.#figures;
    let isBetter = false;
    for (let index = 0; index < width; index++) {
      const mine = figures[width * one + index] as number;
      const its = figures[width * other + index] as number;
      if (mine < its) return false;
      isBetter ||= index >= firstScore && mine > its;
    }
    // Of hosts that are alike the first.
    return isBetter || one < other;
  }
}

const width = 10;
const firstScore = 7;
