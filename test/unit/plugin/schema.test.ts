import { expect, test } from "vitest";
import { packageSchema } from "../../../plugin/schema.ts";
import { stackSchema } from "../../../stacks/config.ts";

const schema = packageSchema();
const [testbed, domain, migration] = ["Testbed", "Domain", "Migration"].map(
  (name) => Object.entries(schema.resources).find(([token]) => token === `kvmtestbed:index:${name}`)?.[1],
);

interface Spec {
  type?: string;
  $ref?: string;
  description?: string;
  items?: Spec;
  additionalProperties?: Spec;
  secret?: boolean;
}

/** All properties there are, by where they are. */
const properties = [
  ...Object.entries(schema.types).map(([token, { properties }]) => [token, properties] as const),
  ...Object.entries(schema.resources).flatMap(
    ([token, { inputProperties, properties }]) =>
      [
        [token, inputProperties],
        [token, properties],
      ] as const,
  ),
].flatMap(([token, of]) =>
  Object.entries(of as Record<string, Spec>).map(([key, spec]) => ({ at: `${token} ${key}`, spec })),
);

/** A property, and what its items or values are. */
const withInner = (spec: Spec): Spec[] =>
  [spec.items, spec.additionalProperties].flatMap((inner) => (inner ? withInner(inner) : [])).concat(spec);

test("a Testbed takes what a stack may say, and needs what a stack must say", () => {
  expect(Object.keys(testbed?.inputProperties ?? {})).toEqual(Object.keys(stackSchema.shape));
  expect(testbed?.requiredInputs).toEqual(["hosts", "guests"]);
  expect(schema.types["kvmtestbed:index:TestbedHost"]?.required).toEqual(["name"]);
});

test("each property says what it is, and its default", () => {
  expect(properties.length).toBeGreaterThan(200);
  expect(properties.filter(({ spec }) => !spec.description).map(({ at }) => at)).toEqual([]);
  const { memoryMiB, mac } = schema.types["kvmtestbed:index:TestbedGuest"]?.properties ?? {};
  expect(memoryMiB).toEqual({ type: "integer", description: "Memory in MiB; by default 1024." });
  expect(mac?.description).toBe(
    "A MAC address, in quotes; by default made from the stack's and the guest's name.",
  );
  expect(migration?.inputProperties.drift?.description).toContain("return, adopt, error");
});

test("all types that are named are there, and none besides", () => {
  const refs = properties
    .flatMap(({ spec }) => withInner(spec))
    .flatMap(({ $ref }) => ($ref?.startsWith("#/types/") ? [$ref.slice("#/types/".length)] : []));
  expect(new Set(refs)).toEqual(new Set(Object.keys(schema.types)));
  expect(schema.types).toHaveProperty("kvmtestbed:index:FleetHost");
  const untyped = properties.flatMap(({ at, spec }) =>
    withInner(spec)
      .filter(({ type, $ref }) => !type && !$ref)
      .map(() => at),
  );
  expect(untyped).toEqual([]);
});

test("of a choice of kinds, each property says for which it is", () => {
  const { properties: of, required } = schema.types["kvmtestbed:index:TestbedGuestWorkload"] ?? {};
  expect(of?.type?.description).toBe("Which kind: idle, memory, cpu, disk, python, mysql, office.");
  expect(of?.rows?.description).toMatch(/^Mysql: .* Office: the number of the spreadsheet's rows/i);
  expect(required).toEqual(["type"]);
});

test("what may be a password is secret", () => {
  const secret = properties.filter(({ spec }) => spec.secret).map(({ at }) => at);
  expect(new Set(secret)).toEqual(
    new Set([
      "kvmtestbed:index:TestbedHostPower meter",
      "kvmtestbed:index:TestbedHostPower off",
      "kvmtestbed:index:TestbedHostPower on",
      "kvmtestbed:index:TestbedHostPower status",
      "kvmtestbed:index:TestbedGuestVnc password",
      "kvmtestbed:index:Domain vncPassword",
    ]),
  );
});

test("what a TypeScript program declared is taken over", () => {
  expect([testbed, domain, migration].map((each) => each?.aliases)).toEqual([
    [{ type: "testbed:index:Testbed" }],
    [{ type: "pulumi-nodejs:dynamic/testbed:Domain" }],
    [{ type: "pulumi-nodejs:dynamic/testbed:Migration" }],
  ]);
});
