// Which Pulumi packages, and so which plugins, a program's node_modules ask for.
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** What a package.json says that matters here. */
interface PackageJson {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly pulumi?: {
    readonly resource?: boolean;
    readonly name?: string;
    readonly version?: string;
    readonly server?: string;
    readonly parameterization?: { readonly name: string; readonly version: string; readonly value: string };
  };
}

/** A plugin that a package needs. `parameterization.value` is base64, as it stands in package.json. */
interface RequiredPackage {
  readonly name: string;
  /** With a leading "v". */
  readonly version: string;
  readonly server?: string;
  readonly parameterization?: { readonly name: string; readonly version: string; readonly value: string };
}

/**
 * Every package that Node could load from `programDir`: those in its node_modules and in the ones above it up to
 * `rootDir` (workspaces keep theirs at their root), nested ones, and those that a symlink leads to. Each real
 * directory is read once.
 */
export function installedPackages(programDir: string, rootDir: string = programDir): PackageJson[] {
  const found: PackageJson[] = [];
  const visited = new Set<string>();

  const visitModules = (modulesDir: string) => {
    const real = realPath(modulesDir);
    if (real === undefined || visited.has(real)) return;
    visited.add(real);
    for (const name of directoryNames(real)) {
      if (name.startsWith(".")) continue;
      if (name.startsWith("@")) {
        for (const scoped of directoryNames(join(real, name))) visitPackage(join(real, name, scoped));
      } else {
        visitPackage(join(real, name));
      }
    }
  };

  const visitPackage = (packageDir: string) => {
    const real = realPath(packageDir);
    if (real === undefined || visited.has(real)) return;
    visited.add(real);
    const json = readPackageJson(real);
    if (json !== undefined) found.push(json);
    visitModules(join(real, "node_modules"));
    // pnpm: a link leads to …/.pnpm/<package>/node_modules/<package>, with what it depends on beside it.
    const parent = basename(dirname(real)).startsWith("@") ? dirname(dirname(real)) : dirname(real);
    if (basename(parent) === "node_modules") visitModules(parent);
  };

  for (let dir = programDir; ; dir = dirname(dir)) {
    visitModules(join(dir, "node_modules"));
    if (dir === rootDir || dir === dirname(dir) || !dir.startsWith(rootDir)) break;
  }
  return found;
}

/** The plugins that these packages need, each once. */
export function requiredPackages(packages: readonly PackageJson[]): RequiredPackage[] {
  const byKey = new Map<string, RequiredPackage>();
  for (const json of packages) {
    const required = requiredBy(json);
    if (required !== undefined) byKey.set(JSON.stringify(required), required);
  }
  return [...byKey.values()];
}

function requiredBy({ name, version, pulumi }: PackageJson): RequiredPackage | undefined {
  if (pulumi?.resource !== true) return undefined;
  // Only a package of Pulumi's own may leave its plugin's name to its package name.
  const plugin = pulumi.name || (name?.startsWith("@pulumi/") ? name.slice("@pulumi/".length) : undefined);
  const pluginVersion = pulumi.version || version;
  if (!plugin || !pluginVersion) return undefined;
  return {
    name: plugin,
    version: pluginVersion.startsWith("v") ? pluginVersion : `v${pluginVersion}`,
    ...(pulumi.server ? { server: pulumi.server } : {}),
    ...(pulumi.parameterization ? { parameterization: pulumi.parameterization } : {}),
  };
}

/** Names and versions of what is installed, sorted by name: what package.json names, or with `transitive` everything. */
export function programDependencies(
  program: PackageJson,
  packages: readonly PackageJson[],
  transitive: boolean,
): { name: string; version: string }[] {
  const direct = { ...program.dependencies, ...program.devDependencies };
  const byKey = new Map<string, { name: string; version: string }>();
  for (const { name, version } of packages) {
    if (name === undefined || version === undefined || (!transitive && !(name in direct))) continue;
    const key = transitive ? `${name}@${version}` : name;
    if (!byKey.has(key)) byKey.set(key, { name, version });
  }
  return [...byKey.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** The package.json in `dir`; undefined if there is none, or none that can be read. */
export function readPackageJson(dir: string): PackageJson | undefined {
  try {
    return JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
  } catch {
    return undefined;
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // a dangling link, or nothing there
  }
}

function directoryNames(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}
