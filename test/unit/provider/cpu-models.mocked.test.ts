import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fleetPageOf } from "../../../fleet/fleet-page.ts";
import { type ClusterInputs, clusterResource } from "../../../provider/cluster-resource.ts";
import { closeSessions } from "../../../ssh/session-pool.ts";
import { simulate, world } from "../helpers/simulated-session.ts";

// CPU models that guests name, asked of all hosts together, on machines that are simulated.

vi.mock("../../../ssh/session.ts", () => import("../helpers/simulated-session.ts"));

beforeEach(() => void simulate(["host1", "host2", "host3"]));
afterEach(closeSessions);

const inputs = (cpuModels: string[]): ClusterInputs => {
  const { hosts, storage } = world.fleet;
  return {
    common: {
      ...{
        hosts,
        storage,
        page: fleetPageOf(hosts),
        accelerator: "tcg",
        machine: "pc-q35-7.2",
        cpuXml: "<cpu/>",
      },
      ...{ transport: "kernel", server: "10.77.0.10", bridge: "br0" },
    },
    ...(cpuModels.length > 0 && { cpuModels }),
  };
};
const lacks = (host: string) =>
  Object.assign(world.machine(host), { cpuVerdict: "missing features: avx512f" });
const asked = () => world.log.filter((line) => line.includes("CPU model"));

test("a model that some hosts lack is refused with all of their names", async () => {
  lacks("host2");
  lacks("host3");
  await expect(clusterResource.check(undefined, inputs(["Icelake-Server"]))).rejects.toThrow(
    /not every host can give them \(tcg, pc-q35-7\.2\): Icelake-Server on host2: missing features: avx512f; Icelake-Server on host3: .*No guest was touched.*virsh domcapabilities --virttype qemu/,
  );
});

test("a model that all hosts have is asked of each once, and not again before something changes", async () => {
  const news = inputs(["Westmere"]);
  expect(await clusterResource.check(undefined, news)).toEqual({ inputs: news });
  expect(asked()).toHaveLength(3);
  await clusterResource.check(news, news);
  expect(asked()).toHaveLength(3);
  const { host3: _new, ...two } = news.common.hosts;
  await clusterResource.check({ ...news, common: { ...news.common, hosts: two } }, news);
  expect(asked()).toHaveLength(6);
});

test("where no guest names one, no host is asked", async () => {
  for (const host of ["host1", "host2", "host3"]) lacks(host);
  const news = inputs([]);
  expect(await clusterResource.check(undefined, news)).toEqual({ inputs: news });
  expect(asked()).toEqual([]);
});

test("the models that guests name are kept, so that the next run sees a change", async () => {
  const olds = { ...inputs([]), earlier: [] };
  expect(await clusterResource.diff("id", olds, inputs(["Westmere"]))).toEqual({ changes: true });
});
