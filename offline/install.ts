// Makes sure that Pulumi's CLI and plugins can be had: where their downloads cannot be reached, what is missing is
// built from Go modules and npm packages.
//
//   node offline/install.ts            build what is missing
//   node offline/install.ts --tests    with what only the tests need
//   node offline/install.ts --remove   remove what was built here
//
// It is put into a Pulumi home of the project's own, so that the user's other projects do not come upon it.
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { buildGo, findGo } from "./go.ts";
import { canBeTaken, decideParts, placePart, removePart, stateOf } from "./installed.ts";
import { ownHome, type Part, readVersions, toolchain, usersHome } from "./parts.ts";
import { BuildProgress } from "./progress.ts";
import { whyUnreachable } from "./reachable.ts";

const offline = import.meta.dirname;
const root = dirname(offline);
const [users, home] = [usersHome(), ownHome(root)];

/** Where parts are made: on the file system of their places, so that they can be moved there in one step. */
function workshop(): string {
  mkdirSync(home, { recursive: true });
  const prefix = ".building-";
  for (const name of readdirSync(home)) {
    if (name.startsWith(prefix) && !isRunning(Number(name.slice(prefix.length))))
      rmSync(join(home, name), { recursive: true, force: true }); // left by one that was killed
  }
  const dir = join(home, `${prefix}${process.pid}`);
  mkdirSync(dir, { recursive: true });
  return dir;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function make(part: Part, out: string, go: () => Promise<string>): Promise<void> {
  const { recipe } = part;
  switch (recipe.kind) {
    case "copy":
      copyFileSync(join(root, recipe.from), out);
      return chmodSync(out, 0o755);
    case "bundle":
      // Only now: the bundler is slow to load, and mostly there is nothing to do.
      return (await import("./bundle.ts")).bundle(join(offline, recipe.entry), out);
    case "go": {
      const progress = new BuildProgress(`${part.name} ${part.version}`);
      try {
        await buildGo(await go(), join(offline, "go", recipe.module), recipe, out, progress);
        return progress.done();
      } catch (error) {
        progress.failed();
        throw error;
      }
    }
  }
}

/**
 * Which of this project's stacks was selected is remembered in Pulumi's home.
 * The settings' names begin with the project's, and end with a sum of its folder.
 */
function keepSelection(): void {
  const [from, to] = [join(users, "workspaces"), join(home, "workspaces")];
  if (existsSync(to) || !existsSync(from)) return;
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from).filter((file) => file.startsWith("kvm-migration-testbed-")))
    copyFileSync(join(from, name), join(to, name));
}

async function main(): Promise<void> {
  const versions = readVersions(root);
  const forTests = process.argv.includes("--tests");
  const partsIn = (place: string) =>
    toolchain(root, place, versions, process.arch, forTests).map((part) => ({ part, state: stateOf(part) }));
  const [theirs, parts] = [partsIn(users), partsIn(home)];
  const ours = theirs.filter(({ state }) => state === "current" || state === "outdated");
  if (process.argv.includes("--remove")) {
    rmSync(home, { recursive: true, force: true });
    console.log(`removed ${home}`);
    // Earlier versions put them there.
    for (const { part } of ours) {
      removePart(part);
      console.log(`removed ${part.target}`);
    }
    return;
  }
  if (theirs.every(({ state }) => state === "official"))
    return rmSync(home, { recursive: true, force: true });
  if (parts.every(({ state }) => state === "official" || state === "current")) return;
  const reason = await whyUnreachable();
  if (reason === undefined) {
    // Room for the official ones: half a home here would keep them from being used.
    for (const { part } of ours) removePart(part);
    return rmSync(home, { recursive: true, force: true });
  }
  const { build } = decideParts(parts, false);

  const names = build.map(({ name, version }) => `${name} ${version}`).join(", ");
  console.log(`Pulumi's downloads cannot be reached (${reason}), so this is made here: ${names}`);
  const there = new Map(theirs.map(({ part }) => [part.name, part]));
  const found = (part: Part) => [there.get(part.name)].find((other) => other && canBeTaken(other));
  if (build.some((part) => part.recipe.kind === "go" && !found(part)))
    console.log("It is done once, takes some minutes, and can be interrupted: it goes on where it stopped.");
  const dir = workshop();
  // Or else the project's package.json would tell Node that the stand-ins are ES modules.
  writeFileSync(join(home, "package.json"), '{ "type": "commonjs" }\n');
  const cleanUp = () => rmSync(dir, { recursive: true, force: true });
  process.once("exit", cleanUp);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  let go: Promise<string> | undefined;
  // The CLI last: it is what tells that this home is to be used.
  for (const part of build.toReversed()) {
    const out = join(dir, "part");
    const other = found(part);
    if (other) copyFileSync(other.target, out, constants.COPYFILE_FICLONE);
    else {
      await make(part, out, () => {
        go ??= findGo(join(offline, "go"), (message) => console.log(`  ${message}`));
        return go;
      });
    }
    placePart(part, out);
  }
  keepSelection();
  console.log(`  installed in ${home}`);
  if (ours.length > 0)
    console.log(
      `  An earlier version put such parts into ${users}, where your other projects use them: node offline/install.ts --remove takes them away.`,
    );
}

await main();
