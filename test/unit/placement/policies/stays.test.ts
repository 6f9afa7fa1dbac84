import { describe, expect, it } from "vitest";
import { balance } from "../../../../placement/policies/balance.ts";
import { consolidate } from "../../../../placement/policies/consolidate.ts";
import { grownCluster, jittered, moved } from "../../helpers/clusters.ts";

/** A hundred clusters of a testbed's size, most of which are uneven at first. */
const clusters = Array.from({ length: 130 }, (_, seed) =>
  grownCluster(3 + (seed % 4), 12 + (seed % 5) * 4, seed + 1),
)
  .filter((cluster) => cluster !== undefined)
  .slice(0, 100);

describe.each([
  ["balance", balance()],
  ["consolidate", consolidate({ limits: { memory: 0.95, cpu: 2, vcpuRatio: 8 } })],
] as const)(
  "%s",
  (name, policy) => {
    it("moves nothing the second time, nor when all loads are up to 10 % off", () => {
      expect(clusters).toHaveLength(100);
      let withMoves = 0;
      for (const [seed, cluster] of clusters.entries()) {
        const answer = policy(cluster);
        if (!answer.isFeasible) throw new Error(`${name} of cluster ${seed}: ${JSON.stringify(answer)}`);
        if (answer.moves.length > 0) withMoves++;
        const after = moved(cluster, answer.places);
        expect(policy(after), `cluster ${seed} again`).toMatchObject({ isFeasible: true, moves: [] });
        const noisy = policy(jittered(after, 0.1, seed));
        expect(noisy, `cluster ${seed} with other loads`).toMatchObject({ isFeasible: true, moves: [] });
      }
      expect(withMoves).toBeGreaterThan(60);
    });
  },
  180_000,
);
