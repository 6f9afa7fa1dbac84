import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { amend, goOf, isAtLeast } from "../../../offline/go.ts";
import { canBeTaken, decideParts, placePart, removePart, stateOf } from "../../../offline/installed.ts";
import {
  goArch,
  ownHome,
  type Part,
  pulumiHome,
  readVersions,
  toolchain,
  usersHome,
} from "../../../offline/parts.ts";
import { whyUnreachable } from "../../../offline/reachable.ts";

const root = join(import.meta.dirname, "../../..");
let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "pulumi-home-"));
});
afterEach(() => rmSync(home, { recursive: true }));

test("a module is built with lines changed, and not where one of them is not there just once", async () => {
  const [released, moduleDir] = [join(home, "released"), join(home, "part")];
  for (const folder of [released, moduleDir]) mkdirSync(folder);
  writeFileSync(join(released, "rpc.go"), "one\ntwo\n", { mode: 0o444 });
  for (const file of ["go.mod", "go.sum"]) writeFileSync(join(moduleDir, file), `${file}\n`);
  const amended = { module: "example.org/rpc", file: "rpc.go" };
  const build = async (lines: string) => {
    const folder = mkdtempSync(join(home, "amended-"));
    const changes = [
      { lines: "one\n", by: "zero\none\n" },
      { lines, by: "three\n" },
    ];
    return { folder, goMod: await amend({ ...amended, changes }, released, moduleDir, folder) };
  };
  const { folder, goMod } = await build("two\n");
  expect(readFileSync(join(folder, "module", "rpc.go"), "utf8")).toBe("zero\none\nthree\n");
  expect(readFileSync(goMod, "utf8")).toBe(`go.mod\n\nreplace example.org/rpc => ${folder}/module\n`);
  expect(readFileSync(join(released, "rpc.go"), "utf8")).toBe("one\ntwo\n");
  await expect(build("four\n")).rejects.toThrow('example.org/rpc has "four\\n" not once in rpc.go');
  await expect(build("o")).rejects.toThrow("not once");
});

test("the project's versions can be built, and go where Pulumi looks for them", () => {
  const versions = readVersions(root);
  const json = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(versions.pulumi).toBe(json.dependencies.pulumi);
  expect(versions.command).toBe(json.dependencies["@pulumi/command"]);
  const placesOf = (forTests: boolean) =>
    toolchain(root, "/home", versions, "x64", forTests).map(({ target }) => target);
  const places = placesOf(false);
  const bin = `/home/versions/${versions.pulumi}/bin`;
  const plugins = "/home/plugins/resource-";
  const { address, version } = versions.terraformProvider;
  expect(places).toEqual([
    `${bin}/pulumi`,
    `${bin}/pulumi-language-nodejs`,
    `${bin}/pulumi-resource-pulumi-nodejs`,
    `${plugins}command-v${versions.command}/pulumi-resource-command`,
    `${plugins}terraform-provider-v${versions.bridge}/pulumi-resource-terraform-provider`,
    `/home/dynamic_tf_plugins/${address}/${version}/linux_amd64/terraform-provider-libvirt_v${version}`,
  ]);
  expect(placesOf(true).filter((place) => !places.includes(place))).toEqual([`${bin}/pulumi-language-yaml`]);
});

test("a version that the Go modules do not have is an error which says what to do", () => {
  const versions = readVersions(root);
  expect(() => toolchain(root, home, { ...versions, pulumi: "3.999.0" }, "x64")).toThrow(
    /offline\/go\/cli\/go.mod has github.com\/pulumi\/pulumi\/pkg\/v3 at v3\..*needs v3.999.0.*go get/s,
  );
  expect(() => toolchain(root, home, { ...versions, bridge: "9.9.9" }, "x64")).toThrow(
    "terraform-provider 9.9.9",
  );
  expect(() => goArch("mips")).toThrow("mips");
});

test("a part's key changes with what it is made from, and with nothing else", () => {
  const copy = join(home, "project");
  for (const path of [
    "offline",
    "sdks",
    "package-lock.json",
    "node_modules/@pulumi/pulumi/pulumi-resource-pulumi-nodejs",
  ])
    cpSync(join(root, path), join(copy, path), { recursive: true });
  const keys = () => toolchain(copy, home, readVersions(root), "x64").map(({ name, key }) => ({ name, key }));
  const before = keys();
  expect(toolchain(root, "/elsewhere", readVersions(root), "x64").map(({ key }) => key)).toEqual(
    before.map(({ key }) => key),
  );
  writeFileSync(join(copy, "offline/command/local.ts"), "// changed");
  const changed = keys().filter(({ key }, i) => key !== before[i]?.key);
  expect(changed.map(({ name }) => name)).toEqual(["plugin command"]);
});

test("a part is official unless it was put there from here", () => {
  const part: Part = {
    name: "x",
    version: "1.0.0",
    target: join(home, "a/b/x"),
    recipe: { kind: "copy", from: "x" },
    key: "1",
  };
  expect(stateOf(part)).toBe("missing");
  mkdirSync(join(home, "a/b"), { recursive: true });
  writeFileSync(part.target, "official");
  expect(stateOf(part)).toBe("official");
  rmSync(part.target);

  writeFileSync(join(home, "made"), "made");
  placePart(part, join(home, "made"));
  expect(stateOf(part)).toBe("current");
  expect(stateOf({ ...part, key: "2" })).toBe("outdated");
  rmSync(part.target);
  expect(stateOf(part)).toBe("missing"); // only the marker is left, as after an interruption
  writeFileSync(join(home, "made"), "made");
  placePart(part, join(home, "made"));
  removePart(part);
  expect(stateOf(part)).toBe("missing");
});

test("what is missing or outdated is built where downloads cannot be reached, and an official part never touched", () => {
  const parts = (["official", "current", "outdated", "missing"] as const).map((state) => ({
    state,
    part: { name: state } as Part,
  }));
  const namesOf = ({ build, remove }: ReturnType<typeof decideParts>) => ({
    build: build.map(({ name }) => name),
    remove: remove.map(({ name }) => name),
  });
  expect(namesOf(decideParts(parts, false))).toEqual({ build: ["outdated", "missing"], remove: [] });
  expect(namesOf(decideParts(parts, true))).toEqual({ build: [], remove: ["outdated"] });
});

test("downloads are reachable if they answer as they should", async () => {
  const server = createServer((request, response) =>
    response.writeHead(request.url === "/there" ? 200 : 404).end(),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await whyUnreachable(`${url}/there`)).toBeUndefined();
  expect(await whyUnreachable(`${url}/gone`)).toBe("HTTP status 404");
  await new Promise((resolve) => server.close(resolve));
  expect(await whyUnreachable(`${url}/there`)).toContain("ECONNREFUSED");
});

test("Go's versions are compared by their numbers", () => {
  expect(isAtLeast("1.26.8", "1.26")).toBe(true);
  expect(isAtLeast("1.26", "1.26.0")).toBe(true);
  expect(isAtLeast("1.9.7", "1.26")).toBe(false);
  expect(isAtLeast("2.0", "1.26")).toBe(true);
  expect(goOf("module x\n\ngo 1.26\n\ntoolchain go1.26.8\n")).toEqual({
    oldest: "1.26",
    toolchain: "1.26.8",
  });
  expect(() => goOf("module x\n\ngo 1.26\n")).toThrow("toolchain line");
});

test("Pulumi's home is PULUMI_HOME, or below the user's own", () => {
  expect(pulumiHome({ PULUMI_HOME: "/x" })).toBe("/x");
  expect(pulumiHome({})).toMatch(/\/\.pulumi$/);
  expect(usersHome({})).toBe(join(homedir(), ".pulumi"));
});

test("what is made here has a home in the project, which is Pulumi's as soon as the CLI is in it", () => {
  const own = ownHome(home);
  expect(own).toBe(join(home, ".testbed/.pulumi"));
  mkdirSync(join(own, "versions/1.2.3/bin"), { recursive: true });
  expect(pulumiHome({}, home)).toBe(usersHome({}));
  writeFileSync(join(own, "versions/1.2.3/bin/pulumi"), "");
  expect(pulumiHome({}, home)).toBe(own);
  expect(pulumiHome({ PULUMI_HOME: "/x" }, home)).toBe("/x");
  expect(usersHome({ PULUMI_HOME: "/x" })).toBe("/x");
});

test("an official part and one that takes minutes to build serve from the user's home, a stand-in is made anew", () => {
  const part = (kind: "go" | "bundle"): Part => ({
    name: "x",
    version: "1.0.0",
    target: join(home, kind),
    recipe: kind === "go" ? { kind, module: "m", package: "p", ldflags: "" } : { kind, entry: "e" },
    key: "1",
  });
  for (const kind of ["go", "bundle"] as const) {
    expect(canBeTaken(part(kind))).toBe(false);
    writeFileSync(part(kind).target, "official");
    expect(canBeTaken(part(kind))).toBe(true);
    rmSync(part(kind).target);
    writeFileSync(join(home, "made"), "made");
    placePart(part(kind), join(home, "made"));
    expect(canBeTaken(part(kind))).toBe(kind === "go");
    expect(canBeTaken({ ...part(kind), key: "2" })).toBe(false);
  }
});
