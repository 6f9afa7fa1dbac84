// Go: the one on the machine, or one from the Go module proxy; and building with it.
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ExecaError, execa } from "execa";
import { type Amended, goArch, type Recipe } from "./parts.ts";
import type { BuildProgress } from "./progress.ts";

/** Compares versions such as 1.26 and 1.9.3. */
export function isAtLeast(version: string, needed: string): boolean {
  const numbers = (text: string) => text.split(".").map((part) => Number.parseInt(part, 10) || 0);
  const [have, want] = [numbers(version), numbers(needed)];
  for (let i = 0; i < Math.max(have.length, want.length); i++) {
    const difference = (have[i] ?? 0) - (want[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** What a go.mod asks for: the oldest Go that will do, and the one it was made with. */
export function goOf(goMod: string): { oldest: string; toolchain: string } {
  const oldest = /^go (\S+)$/m.exec(goMod)?.[1];
  const toolchain = /^toolchain go(\S+)$/m.exec(goMod)?.[1];
  if (oldest === undefined || toolchain === undefined)
    throw new Error("a go.mod needs a go and a toolchain line");
  return { oldest, toolchain };
}

/**
 * A Go that can build the modules below `modulesDir`: the machine's own if it is new enough; otherwise that one, or
 * Debian's, fetches a newer one as the module golang.org/toolchain, which Go checks against its checksum database.
 */
export async function findGo(modulesDir: string, tell: (message: string) => void): Promise<string> {
  const wanted = globSync("*/go.mod", { cwd: modulesDir }).map((file) =>
    goOf(readFileSync(join(modulesDir, file), "utf8")),
  );
  const [newest] = wanted.sort((a, b) => (isAtLeast(a.toolchain, b.toolchain) ? -1 : 1));
  if (newest === undefined) throw new Error(`no Go module below ${modulesDir}`);
  const installed = await installedGo();
  if (installed !== undefined && wanted.every(({ oldest }) => isAtLeast(installed.version, oldest)))
    return installed.path;
  const old = installed?.path ?? (await installDebianGo(newest.oldest, tell));
  tell(`Go ${newest.oldest} or newer is needed: fetching Go ${newest.toolchain} from the Go module proxy`);
  return fetchToolchain(old, newest.toolchain);
}

async function installedGo(): Promise<{ path: string; version: string } | undefined> {
  const usual = ["/usr/local/go/bin/go", ...globSync("/usr/lib/go-*/bin/go").sort().reverse()];
  for (const path of ["go", ...usual.filter((file) => existsSync(file))]) {
    const { stdout = "" } = await execa({
      reject: false,
      env: { GOTOOLCHAIN: "local" },
    })`${path} env GOVERSION`;
    const version = /^go(\d+\.\d+(\.\d+)?)/.exec(stdout)?.[1];
    if (version !== undefined) return { path, version };
  }
  return undefined;
}

async function installDebianGo(oldest: string, tell: (message: string) => void): Promise<string> {
  const asRoot = process.getuid?.() === 0 ? [] : ["sudo"];
  const command = [...asRoot, "apt-get", "install", "-y", "--no-install-recommends", "golang-go"];
  tell(`Go is not installed: ${command.join(" ")}`);
  const [program = "", ...args] = command;
  try {
    await execa(program, args, { env: { DEBIAN_FRONTEND: "noninteractive" }, stdin: "inherit" });
  } catch (error) {
    throw new Error(
      `Go is needed to build Pulumi here, and "${command.join(" ")}" failed: install Go ${oldest} or newer ` +
        `(any Go from 1.19 on will do, it fetches a newer one), then run this again.\n${(error as Error).message}`,
    );
  }
  const go = await installedGo();
  if (go === undefined) throw new Error("golang-go was installed, but no go command was found");
  return go.path;
}

async function fetchToolchain(go: string, version: string): Promise<string> {
  const module = `golang.org/toolchain@v0.0.1-go${version}.linux-${goArch(process.arch)}`;
  // Away from any go.mod: an old Go cannot read ours.
  const run = execa({ cwd: tmpdir(), env: { GOTOOLCHAIN: "local", GO111MODULE: "on", GOFLAGS: "" } });
  const { stdout } = await run`${go} mod download -json ${module}`;
  const { Dir: dir } = JSON.parse(stdout) as { Dir: string };
  // A module's files are not executable; the folders are read-only, which changing a file's mode does not mind.
  for (const file of globSync(["bin/*", "pkg/tool/*/*"], { cwd: dir })) chmodSync(join(dir, file), 0o755);
  return join(dir, "bin", "go");
}

/** Builds a Go part into the file `out`. What an interrupted build has compiled is in Go's cache, and not compiled again. */
export async function buildGo(
  go: string,
  moduleDir: string,
  recipe: Recipe & { kind: "go" },
  out: string,
  progress: BuildProgress,
): Promise<void> {
  const env = {
    CGO_ENABLED: "0",
    GOFLAGS: "-mod=readonly -trimpath -buildvcs=false",
    GOTOOLCHAIN: "local",
    GOWORK: "off",
    PATH: `${dirname(go)}:${process.env.PATH}`,
    HOME: process.env.HOME || homedir(),
  };
  const run = execa({
    cwd: moduleDir,
    env,
    buffer: { stdout: true, stderr: false },
    stderr: "pipe",
    lines: true,
  });
  const failure: string[] = [];
  const watch = async (lines: AsyncIterable<unknown>) => {
    for await (const line of lines) {
      const downloading = /^go: downloading (\S+)/.exec(String(line))?.[1];
      if (downloading !== undefined) progress.downloading(downloading);
      else if (/^[\w.\-/]+$/.test(String(line))) progress.compiled();
      else failure.push(String(line));
    }
  };
  const step = async (args: string[]) => {
    failure.length = 0;
    const child = run("nice", [go, ...args]);
    const watching = watch(child.iterable({ from: "stderr" }));
    try {
      const result = await child;
      await watching;
      return result.stdout;
    } catch (error) {
      await watching.catch(() => {});
      if (!(error instanceof ExecaError)) throw error;
      throw new Error(`building ${recipe.package} failed (${error.shortMessage}):\n${failure.join("\n")}`);
    }
  };
  const folder = recipe.amended && mkdtempSync(join(tmpdir(), "amended-"));
  try {
    const flags: string[] = [];
    if (recipe.amended && folder) {
      const found = await step(["mod", "download", "-json", recipe.amended.module]);
      const { Dir: released } = JSON.parse([found].flat().join("\n")) as { Dir: string };
      flags.push(`-modfile=${await amend(recipe.amended, released, moduleDir, folder)}`);
    }
    const packages = await step(["list", ...flags, "-deps", recipe.package]);
    progress.compiling(packages.length);
    await step(["build", ...flags, "-v", "-ldflags", recipe.ldflags, "-o", out, recipe.package]);
  } finally {
    if (folder) rmSync(folder, { recursive: true });
  }
}

/** Puts an amended copy of a module into a folder. Returns the go.mod to build with. */
export async function amend(
  { module, file, changes }: Amended,
  released: string,
  moduleDir: string,
  folder: string,
): Promise<string> {
  const copy = join(folder, "module");
  cpSync(released, copy, { recursive: true });
  // What is in Go's cache is read-only.
  await execa("chmod", ["-R", "u+w", copy]);
  let text = readFileSync(join(copy, file), "utf8");
  for (const { lines, by } of changes) {
    const [before, after, ...more] = text.split(lines);
    if (after === undefined || more.length > 0)
      throw new Error(
        `${module} has ${JSON.stringify(lines)} not once in ${file}: see whether it still needs to be amended`,
      );
    text = `${before}${by}${after}`;
  }
  writeFileSync(join(copy, file), text);
  const goMod = readFileSync(join(moduleDir, "go.mod"), "utf8");
  writeFileSync(join(folder, "go.mod"), `${goMod}\nreplace ${module} => ${copy}\n`);
  copyFileSync(join(moduleDir, "go.sum"), join(folder, "go.sum"));
  return join(folder, "go.mod");
}
