import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  installedPackages,
  programDependencies,
  requiredPackages,
} from "../../../../offline/language-host/packages.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "packages-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, json: unknown): void {
  const file = join(root, path, "package.json");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof json === "string" ? json : JSON.stringify(json));
}

function link(path: string, to: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(join(root, to), join(root, path));
}

const names = (dir = root, top = root) =>
  installedPackages(dir, top)
    .map(({ name }) => name)
    .sort();

test("plain, scoped and nested packages are found", () => {
  put("node_modules/a", { name: "a", version: "1.0.0" });
  put("node_modules/@scope/b", { name: "@scope/b", version: "1.0.0" });
  put("node_modules/a/node_modules/c", { name: "c", version: "1.0.0" });
  put("node_modules/.cache/d", { name: "d", version: "1.0.0" });
  put("elsewhere/e", { name: "e", version: "1.0.0" });
  expect(names()).toEqual(["@scope/b", "a", "c"]);
});

test("a linked package is read where it really is, with what it depends on, once", () => {
  put("sdks/x", { name: "@pulumi/x", version: "1.0.0" });
  put("sdks/x/node_modules/y", { name: "y", version: "1.0.0" });
  link("node_modules/@pulumi/x", "sdks/x");
  link("node_modules/again", "sdks/x");
  link("sdks/x/node_modules/back", "node_modules"); // a circle
  link("node_modules/dangling", "nowhere");
  expect(names()).toEqual(["@pulumi/x", "y"]);
});

test("pnpm keeps a package's dependencies beside its real place", () => {
  put("node_modules/.pnpm/a@1.0.0/node_modules/a", { name: "a", version: "1.0.0" });
  put("node_modules/.pnpm/@s+b@1.0.0/node_modules/@s/b", { name: "@s/b", version: "1.0.0" });
  link("node_modules/.pnpm/a@1.0.0/node_modules/@s/b", "node_modules/.pnpm/@s+b@1.0.0/node_modules/@s/b");
  link("node_modules/a", "node_modules/.pnpm/a@1.0.0/node_modules/a");
  expect(names()).toEqual(["@s/b", "a"]);
});

test("a workspace's packages are found above the program, up to the root and no further", () => {
  put("node_modules/outside", { name: "outside", version: "1.0.0" });
  put("repository/node_modules/hoisted", { name: "hoisted", version: "1.0.0" });
  put("repository/packages/infra/node_modules/own", { name: "own", version: "1.0.0" });
  expect(names(join(root, "repository/packages/infra"), join(root, "repository"))).toEqual([
    "hoisted",
    "own",
  ]);
});

test("a package.json that is no JSON is passed over", () => {
  put("node_modules/broken", "{");
  put("node_modules/fine", { name: "fine", version: "1.0.0" });
  expect(names()).toEqual(["fine"]);
});

test("a plugin's name and version come from the pulumi section, else from the package", () => {
  const parameterization = { name: "libvirt", version: "0.8.3", value: "e30=" };
  expect(
    requiredPackages([
      { name: "@pulumi/random", version: "4.1.0", pulumi: { resource: true } },
      {
        name: "@pulumi/libvirt",
        version: "0.8.3",
        pulumi: { resource: true, name: "terraform-provider", version: "v1.1.3", parameterization },
      },
      {
        name: "third",
        version: "2.0.0",
        pulumi: { resource: true, name: "own", server: "https://example.com" },
      },
      { name: "nameless-third", version: "2.0.0", pulumi: { resource: true } },
      { name: "@pulumi/component", version: "1.0.0", pulumi: { resource: false } },
      { name: "@pulumi/pulumi", version: "3.256.0" },
    ]),
  ).toEqual([
    { name: "random", version: "v4.1.0" },
    { name: "terraform-provider", version: "v1.1.3", parameterization },
    { name: "own", version: "v2.0.0", server: "https://example.com" },
  ]);
});

test("one plugin in two versions is asked for twice, the same version once", () => {
  const at = (version: string) => ({ name: "@pulumi/random", version, pulumi: { resource: true } });
  expect(requiredPackages([at("4.0.0"), at("4.1.0"), at("4.0.0")])).toEqual([
    { name: "random", version: "v4.0.0" },
    { name: "random", version: "v4.1.0" },
  ]);
});

test("a program's dependencies are those that package.json names, or all that is installed", () => {
  const program = { dependencies: { b: "^1" }, devDependencies: { a: "^1" } };
  const installed = [
    { name: "b", version: "1.2.0" },
    { name: "a", version: "1.0.0" },
    { name: "b", version: "0.9.0" },
    { name: "c", version: "3.0.0" },
  ];
  expect(programDependencies(program, installed, false)).toEqual([
    { name: "a", version: "1.0.0" },
    { name: "b", version: "1.2.0" },
  ]);
  expect(programDependencies(program, installed, true)).toHaveLength(4);
});
