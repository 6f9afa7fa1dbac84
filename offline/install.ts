// Makes sure that Pulumi's CLI and plugins can be had: where their downloads cannot be reached, what is missing is
// built from Go modules and npm packages.
//
//   node offline/install.ts            build what is missing
//   node offline/install.ts --remove   remove what was built here
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildGo, findGo } from "./go.ts";
import { decide, place, remove, stateOf } from "./installed.ts";
import { type Part, pulumiHome, readVersions, toolchain } from "./parts.ts";
import { Progress } from "./progress.ts";
import { whyUnreachable } from "./reachable.ts";

const offline = import.meta.dirname;
const root = dirname(offline);
const home = pulumiHome();

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
      const progress = new Progress(`${part.name} ${part.version}`);
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

async function main(): Promise<void> {
  const parts = toolchain(root, home, readVersions(root), process.arch).map((part) => ({
    part,
    state: stateOf(part),
  }));
  if (process.argv.includes("--remove")) {
    for (const { part, state } of parts) {
      if (state !== "current" && state !== "outdated") continue;
      remove(part);
      console.log(`removed ${part.target}`);
    }
    return;
  }
  if (parts.every(({ state }) => state === "official" || state === "current")) return;
  const reason = await whyUnreachable();
  const todo = decide(parts, reason === undefined);
  for (const part of todo.remove) remove(part);
  if (todo.build.length === 0) return;

  const names = todo.build.map(({ name, version }) => `${name} ${version}`).join(", ");
  console.log(`Pulumi's downloads cannot be reached (${reason}), so this is made here: ${names}`);
  if (todo.build.some(({ recipe }) => recipe.kind === "go"))
    console.log("It is done once, takes some minutes, and can be interrupted: it goes on where it stopped.");
  const dir = workshop();
  const cleanUp = () => rmSync(dir, { recursive: true, force: true });
  process.once("exit", cleanUp);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  let go: Promise<string> | undefined;
  for (const part of todo.build) {
    const out = join(dir, "part");
    await make(part, out, () => {
      go ??= findGo(join(offline, "go"), (message) => console.log(`  ${message}`));
      return go;
    });
    place(part, out);
  }
  console.log(`  installed in ${home}`);
}

await main();
