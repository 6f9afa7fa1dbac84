import { describe, expect, test } from "vitest";
import { type LoadedGuest, useOfGuests, withLoad } from "../../../load/cluster-load.ts";
import type { MeasuredLoad } from "../../../load/join.ts";
import type { Cluster } from "../../../placement/terms/cluster.ts";

const guest = (name: string, vcpus: number): LoadedGuest => ({ name, uuid: `of ${name}`, vcpus });
const measured = (meanCpus: number, coveredSeconds = 3600) => ({
  meanCpus,
  p95Cpus: 2 * meanCpus,
  coveredSeconds,
});
const load = (guests: MeasuredLoad["guests"]): MeasuredLoad => ({ guests, hosts: {}, silent: {} });

describe("how busy a guest is taken to be", () => {
  test("is what was measured, or else its vCPUs as busy as the others' in the middle, and why", () => {
    const guests = [guest("vm1", 2), guest("vm2", 1), guest("vm3", 4), guest("vm4", 3)];
    const known = { "of vm1": measured(0.2), "of vm2": measured(0.5), "of vm3": measured(3.6) };
    expect(useOfGuests(guests, load(known), 60)).toEqual({
      vm1: { from: "samples", ...measured(0.2) },
      vm2: { from: "samples", ...measured(0.5) },
      vm3: { from: "samples", ...measured(3.6) },
      vm4: {
        from: "others",
        reason: "no load known yet",
        meanCpus: 1.5,
        p95Cpus: 3,
        coveredSeconds: 0,
      },
    });
  });

  test("is not what was seen of it for ten minutes at most, or half of a shorter window", () => {
    const guests = [guest("vm1", 1), guest("vm2", 1)];
    const of = (coveredSeconds: number, windowMinutes: number) =>
      useOfGuests(
        guests,
        load({ "of vm1": measured(0.1), "of vm2": measured(1, coveredSeconds) }),
        windowMinutes,
      ).vm2;
    expect(of(599, 60)).toMatchObject({ from: "others", coveredSeconds: 599, meanCpus: 0.1 });
    expect(of(600, 60)).toMatchObject({ from: "samples", meanCpus: 1 });
    expect(of(119, 4)).toMatchObject({ from: "others" });
    expect(of(120, 4)).toMatchObject({ from: "samples" });
  });

  test("is nothing where nobody's load is known", () => {
    const uses = useOfGuests([guest("vm1", 1)], load({ "of vm1": measured(1, 60) }), 60);
    expect(uses.vm1).toEqual({ from: "nothing", reason: "no load known yet", coveredSeconds: 60 });
  });
});

test("a cluster takes what was measured, and keeps the CPUs that it says itself", () => {
  const cluster: Cluster = {
    hosts: ["h1", "h2", "h3"].map((name) => ({ name, isDrained: false, ...(name === "h2" && { cpus: 2 }) })),
    guests: ["vm1", "vm2"].map((name) => ({ name, host: "h1", memoryMiB: 512, vcpus: 1 })),
  };
  const hosts = {
    h1: { cpus: 8, baseCpus: 0.25, coveredSeconds: 3600 },
    h2: { cpus: 8, coveredSeconds: 0 },
  };
  const uses = useOfGuests([guest("vm1", 1)], load({ "of vm1": measured(0.4) }), 60);
  const of = (figure: "meanCpus" | "p95Cpus") => withLoad(cluster, uses, { hosts }, figure);
  expect(of("meanCpus")).toEqual({
    hosts: [
      { name: "h1", isDrained: false, cpus: 8, busyCpus: 0.25 },
      { name: "h2", isDrained: false, cpus: 2 },
      { name: "h3", isDrained: false },
    ],
    guests: [{ ...cluster.guests[0], busyCpus: 0.4 }, cluster.guests[1]],
  });
  expect(of("p95Cpus").guests[0]?.busyCpus).toBe(0.8);
});
