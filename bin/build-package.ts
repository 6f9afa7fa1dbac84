/**
 * Makes the package that other Pulumi programs install, in build/package: the components and the engine, compiled, since Node does
 * not run TypeScript below node_modules.
 *
 *   npm run build && npm pack ./build/package
 */
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import { extname, join } from "node:path";
import { execa } from "execa";

const project = join(import.meta.dirname, "..");
const target = join(project, "build/package");

/** Folders with files beside the sources that components and the engine read: scripts that run on hosts, in guests, and the like. */
const foldersWithData = ["fleet", "guests", "hosts", "images", "lab", "migration", "plugin", "ssh"];

interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
  keywords: string[];
  dependencies: Record<string, string>;
}

/**
 * The package.json of the package: what the compiled sources import, at the versions that are tested here.
 *
 * @param imported names of packages
 * @param libvirtVersion of the SDK in sdks/, which is on no registry and travels inside the package
 */
export function packageManifest(project: Manifest, imported: ReadonlySet<string>, libvirtVersion: string) {
  const { name, version, description, license, keywords } = project;
  const unknown = [...imported].filter((each) => !(each in project.dependencies));
  if (unknown.length > 0) {
    throw new Error(
      `The package imports ${unknown.join(", ")}, which package.json's dependencies do not name. Add them there.`,
    );
  }
  const { "@pulumi/pulumi": pulumi, ...others } = Object.fromEntries(
    Object.entries(project.dependencies).filter(([each]) => imported.has(each)),
  );
  return {
    name,
    version,
    description,
    license,
    keywords,
    type: "module",
    exports: exportsOf({ ".": "components/index", "./engine": "provider/resources" }),
    // Without a flag, and with require() of ES modules, by which the dynamic providers load the engine.
    engines: { node: ">=22.12" },
    dependencies: { ...others, "@pulumi/libvirt": libvirtVersion },
    bundleDependencies: ["@pulumi/libvirt"],
    // The program's own: resources of two copies would not know each other.
    peerDependencies: { "@pulumi/pulumi": `^${pulumi}` },
  };
}

const exportsOf = (modules: Record<string, string>) => ({
  ...Object.fromEntries(
    Object.entries(modules).map(([name, file]) => [
      name,
      { types: `./${file}.d.ts`, default: `./${file}.js` },
    ]),
  ),
  "./package.json": "./package.json",
});

/** Packages that a module imports by name, without Node's own. */
export function packagesIn(code: string): string[] {
  const specifiers = [...code.matchAll(/(?:from|import) "([^".][^"]*)"/g)].map(([, name]) => name ?? "");
  return specifiers
    .filter((name) => !name.startsWith("node:") && !builtinModules.includes(name))
    .map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
}

async function build(): Promise<void> {
  await rm(target, { recursive: true, force: true });
  const compiler = join(project, "node_modules/typescript/bin/tsc");
  await execa(process.execPath, [compiler, "--project", "tsconfig.package.json"], {
    cwd: project,
    stdio: "inherit",
  });

  for (const folder of foldersWithData) {
    await cp(join(project, folder), join(target, folder), {
      recursive: true,
      filter: (path) => extname(path) !== ".ts",
    });
  }
  for (const file of ["README.md", "CHANGELOG.md", "LICENSE"])
    await cp(join(project, file), join(target, file));
  const libvirt = join(project, "sdks/libvirt");
  await cp(libvirt, join(target, "node_modules/@pulumi/libvirt"), { recursive: true });

  const files = await readdir(target, { recursive: true });
  const modules = files.filter((file) => file.endsWith(".js") && !file.startsWith("node_modules"));
  const codes = await Promise.all(modules.map((file) => readFile(join(target, file), "utf8")));
  const manifest = packageManifest(
    await readJson(join(project, "package.json")),
    new Set(codes.flatMap(packagesIn)),
    (await readJson<Manifest>(join(libvirt, "package.json"))).version,
  );
  await writeFile(join(target, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

const readJson = async <T = Manifest>(file: string): Promise<T> => JSON.parse(await readFile(file, "utf8"));

if (import.meta.main) {
  await build();
  console.log(`The package is in ${target}; npm pack makes a file of it that others can install.`);
}
