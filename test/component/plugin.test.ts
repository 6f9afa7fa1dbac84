import { beforeAll, expect, test } from "vitest";
import { declareForPlugin } from "../../components/engine-resource.ts";
import { Testbed } from "../../components/testbed.ts";
import { failuresOf } from "../../plugin/check.ts";
import { domainInputs, migrationInputs } from "../../plugin/inputs.ts";
import { withoutSecrets } from "../../plugin/secrets.ts";
import { parseStackConfig } from "../../stacks/checks/parse.ts";
import { planStack } from "../../stacks/plan.ts";
import { labInput, metalInput } from "../unit/helpers/config-stack.ts";
import { answers as hostAnswers } from "./hosts.ts";
import { type Answers, record } from "./recorder.ts";

// Components in the plugin's process.

const image = {
  path: "/cache/debian-12-0a1b.qcow2",
  sha256: "0".repeat(64),
  format: "qcow2",
  virtualSizeBytes: 2 ** 31,
  name: "debian-12",
  user: "debian",
};
const answers: Answers = (type, name, inputs) => {
  if (/-image(-[a-z]+)*-file$/.test(name)) return { stdout: JSON.stringify(image) };
  if (type.endsWith(":Domain")) return { bootedOn: "host1", boots: 1, state: "running" };
  if (type.endsWith(":Migration")) return { host: "host1", moves: 0, history: [] };
  return hostAnswers(type, name, inputs);
};

beforeAll(() => declareForPlugin("9.9.9"));

const rich = {
  guests: [
    {
      name: "vm1",
      redo: "local" as const,
      vnc: { listen: "0.0.0.0" as const, password: "hidden" },
      workload: { type: "memory" as const, mibPerSecond: 20, workingSetMiB: 64 },
      migration: { slo: { maxDowntimeMs: 500 }, transport: "tls" as const, mode: "hybrid" as const },
    },
    { name: "vm2", migration: { mode: "cold" as const, drift: "adopt" as const } },
  ],
  drain: ["host2"],
  migration: { autoConverge: { initial: 20 }, concurrentPerHost: 1, probeIntervalMs: 0 },
};

test.each([
  ["in the lab", labInput(rich)],
  ["on machines of one's own", metalInput(rich)],
])("what a testbed %s declares is what programs may declare", async (_, input) => {
  const plan = planStack(parseStackConfig(input, "dev"), "dev");
  const { declared } = await record(() => new Testbed("testbed", plan), answers);
  const inputsOf = (name: string) =>
    declared
      .filter(({ type }) => type === `kvmtestbed:index:${name}`)
      .map(({ inputs }) => withoutSecrets(inputs));
  const [domains, migrations] = [inputsOf("Domain"), inputsOf("Migration")];
  expect([domains.length, migrations.length]).toEqual([2, 2]);
  const failures = [
    ...domains.flatMap((inputs) => failuresOf(domainInputs, inputs)),
    ...migrations.flatMap((inputs) => failuresOf(migrationInputs, inputs)),
  ];
  // The mocks' ids are no paths, nor UUIDs.
  expect(failures.filter(({ reason }) => !/^"[\w-]+-id" does not fit/.test(reason))).toEqual([]);
});

test("a testbed's resources are the plugin's, which has the engine itself", async () => {
  const plan = planStack(parseStackConfig(labInput(), "dev"), "dev");
  const { declared, one } = await record(() => new Testbed("testbed", plan), answers);
  const types = declared.map(({ type }) => type);
  expect(types).toContain("kvmtestbed:index:Testbed");
  expect(types.filter((type) => type.startsWith("pulumi-nodejs:dynamic"))).toEqual([]);
  const own = declared.filter(({ type }) => type.startsWith("kvmtestbed:index:"));
  expect(own.filter(({ inputs }) => "__provider" in inputs)).toEqual([]);
  expect(one("vm1-migration")).toMatchObject({
    type: "kvmtestbed:index:Migration",
    inputs: { row: expect.stringMatching(/kvmtestbed:index:Migration::vm1-migration$/) },
  });
});
