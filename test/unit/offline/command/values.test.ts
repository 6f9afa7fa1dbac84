import fc from "fast-check";
import { expect, test } from "vitest";
import {
  asAsset,
  changes,
  hasSecret,
  holdsUnknown,
  plain,
  secret,
  unknownString,
  type Wire,
} from "../../../../offline/command/values.ts";

const asset = (hash: string, rest = {}): Wire => ({
  "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17",
  hash,
  ...rest,
});

/** Values as a program may give them, secrets among them. */
const wire = fc.letrec<{ value: Wire }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.string(),
    fc.boolean(),
    fc.integer(),
    tie("value").map(secret),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.string({ minLength: 1 }), tie("value"), { maxKeys: 3 }),
  ),
})).value;

test("a value without its secrets' marks has none, and is not changed", () => {
  fc.assert(
    fc.property(wire, (value) => {
      expect(hasSecret(plain(value))).toBe(false);
      expect(changes({ x: value }, { x: plain(value) }).size).toBe(0);
    }),
  );
});

test("a secret is marked once, and found at every depth", () => {
  expect(secret(secret("x"))).toEqual(secret("x"));
  expect(hasSecret({ a: ["x", { b: secret("y") }] })).toBe(true);
  expect(plain({ a: ["x", { b: secret("y") }] })).toEqual({ a: ["x", { b: "y" }] });
});

test("changes are found at their paths", () => {
  const olds = {
    create: "a",
    environment: { X: "1", "a-b": "1" },
    triggers: [1, 2, 3],
    gone: "g",
    same: ["s"],
  };
  const news = { create: "b", environment: { X: "2", "a-b": "2" }, triggers: [1, 5], dir: "d", same: ["s"] };
  expect([...changes(olds, news)]).toEqual([
    ["create", "update"],
    ["environment.X", "update"],
    ['environment["a-b"]', "update"],
    ["triggers[1]", "update"],
    ["triggers[2]", "delete"],
    ["gone", "delete"],
    ["dir", "add"],
  ]);
});

test("null is as good as absent, and what is unknown counts as changed", () => {
  expect(changes({ a: null }, {}).size).toBe(0);
  expect([...changes({ a: "x" }, { a: unknownString })]).toEqual([["a", "update"]]);
  expect(holdsUnknown({ a: [secret(unknownString)] })).toBe(true);
});

test("an asset is the same when its content is, wherever it lies", () => {
  expect(changes({ a: asset("1", { path: "x" }) }, { a: asset("1", { path: "y" }) }).size).toBe(0);
  expect([...changes({ a: asset("1", { path: "x" }) }, { a: asset("2", { path: "x" }) })]).toEqual([
    ["a", "update"],
  ]);
});

test("files and texts are assets that can be copied; a URL is not", () => {
  expect(asAsset(asset("1", { path: "x" }))).toEqual({ kind: "asset", path: "x", hash: "1" });
  expect(asAsset(asset("1", { text: "" }))).toEqual({ kind: "asset", text: "", hash: "1" });
  expect(asAsset(asset("1", { uri: "https://example.com" }))).toBeUndefined();
  expect(asAsset({ path: "x" })).toBeUndefined();
});
