// What the toolchain consists of, at which versions, and where each part belongs: the places in a Pulumi home where the
// official installers put them. Versions are read from the packages that the project uses, never written a second time.
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** How a part is made here; the paths are relative to offline/go, to offline/, and to the project. */
export type Recipe =
  | {
      readonly kind: "go";
      readonly module: string;
      readonly package: string;
      readonly ldflags: string;
      readonly amended?: Amended;
    }
  | { readonly kind: "bundle"; readonly entry: string }
  | { readonly kind: "copy"; readonly from: string };

/** A module that a part is built with, otherwise than its authors released it: some lines of one file, each found there just once. */
export interface Amended {
  readonly module: string;
  readonly file: string;
  readonly changes: readonly { readonly lines: string; readonly by: string }[];
}

export interface Part {
  /** What people know it as. */
  readonly name: string;
  readonly version: string;
  /** The executable's place. */
  readonly target: string;
  readonly recipe: Recipe;
  /** Changes when the part would come out differently. */
  readonly key: string;
}

/** The versions that the project asks for. */
interface PartVersions {
  readonly pulumi: string;
  readonly command: string;
  /** The bridge's plugin, and the Terraform provider that it serves as a Pulumi package. */
  readonly bridge: string;
  readonly terraformProvider: { readonly address: string; readonly version: string };
}

/**
 * The Go module from which a release of the plugin `terraform-provider` is built; no file of the project says which it
 * is. (The plugin's release notes do.)
 */
const bridgeModules: Readonly<Record<string, string>> = { "1.1.3": "v3.136.0" };

/** Of the language host for YAML: the bridge's modules have it already, at a version that goes with this one of Pulumi. */
const yamlVersion = "1.38.1";

/** Reads the versions from the packages installed in the project at `root`. */
export function readVersions(root: string): PartVersions {
  const json = (path: string) => JSON.parse(readFileSync(join(root, path, "package.json"), "utf8"));
  const { pulumi: libvirt } = json("sdks/libvirt");
  // What the generator wrote into the SDK: which Terraform provider the bridge is to load.
  const { remote } = JSON.parse(Buffer.from(libvirt.parameterization.value, "base64").toString());
  return {
    pulumi: json("node_modules/pulumi").version,
    command: json("node_modules/@pulumi/command").pulumi.version,
    bridge: libvirt.version,
    terraformProvider: { address: remote.url, version: remote.version },
  };
}

/** The user's Pulumi home, where the CLI and plugins of all their projects live. */
export function usersHome(env: NodeJS.ProcessEnv = process.env): string {
  return env.PULUMI_HOME || join(homedir(), ".pulumi");
}

/** The home of the project at `root`, for what is made here: no other project is to find it. bin/setup and bin/pulumi know its name, too. */
export function ownHome(root: string): string {
  return join(root, ".testbed/.pulumi");
}

/** The home that bin/pulumi runs Pulumi with. */
export function pulumiHome(
  env: NodeJS.ProcessEnv = process.env,
  root: string = join(import.meta.dirname, ".."),
): string {
  const own = ownHome(root);
  const isComplete = globSync("versions/*/bin/pulumi", { cwd: own }).length > 0;
  return env.PULUMI_HOME || (isComplete ? own : usersHome(env));
}

/** Go's name for a processor architecture. */
export function goArch(arch: string): string {
  const known: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };
  const name = known[arch];
  if (name === undefined)
    throw new Error(`the toolchain cannot be built for the processor architecture ${arch}`);
  return name;
}

/**
 * The parts of the toolchain.
 *
 * @param forTests with what only the tests need: programs in YAML
 * @throws Error if the Go modules here are not of the versions that the project asks for
 */
export function toolchain(
  root: string,
  home: string,
  versions: PartVersions,
  arch: string,
  forTests = false,
): Part[] {
  const bin = join(home, "versions", versions.pulumi, "bin");
  const plugin = (name: string, version: string) =>
    join(home, "plugins", `resource-${name}-v${version}`, `pulumi-resource-${name}`);
  const { address, version } = versions.terraformProvider;
  const providerName = `terraform-provider-${address.split("/").at(-1)}`;
  const go = (
    module: string,
    goPackage: string,
    needed: string,
    flags: readonly string[] = [],
    amended?: Amended,
  ): Recipe => {
    requireModule(root, module, goPackage, needed);
    const ldflags = ["-s", "-w", ...flags].join(" ");
    return { kind: "go", module, package: goPackage, ldflags, ...(amended && { amended }) };
  };

  const parts: Omit<Part, "key">[] = [
    {
      name: "Pulumi CLI",
      version: versions.pulumi,
      target: join(bin, "pulumi"),
      recipe: go("cli", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", `v${versions.pulumi}`, [
        `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${versions.pulumi}`,
      ]),
    },
    {
      name: "Pulumi language host for Node",
      version: versions.pulumi,
      target: join(bin, "pulumi-language-nodejs"),
      recipe: { kind: "bundle", entry: "language-host/main.ts" },
    },
    ...(forTests
      ? [
          {
            name: "Pulumi language host for YAML",
            version: yamlVersion,
            target: join(bin, "pulumi-language-yaml"),
            recipe: go(
              "bridge",
              "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
              `v${yamlVersion}`,
              [`-X github.com/pulumi/pulumi-yaml/pkg/version.Version=v${yamlVersion}`],
            ),
          },
        ]
      : []),
    {
      name: "Pulumi dynamic provider",
      version: versions.pulumi,
      target: join(bin, "pulumi-resource-pulumi-nodejs"),
      recipe: { kind: "copy", from: "node_modules/@pulumi/pulumi/pulumi-resource-pulumi-nodejs" },
    },
    {
      name: "plugin command",
      version: versions.command,
      target: plugin("command", versions.command),
      recipe: { kind: "bundle", entry: "command/main.ts" },
    },
    {
      name: "plugin terraform-provider",
      version: versions.bridge,
      target: plugin("terraform-provider", versions.bridge),
      recipe: go(
        "bridge",
        "github.com/pulumi/pulumi-terraform-bridge/v3/dynamic",
        bridgeModules[versions.bridge] ?? `the one of terraform-provider ${versions.bridge}`,
        [
          // Two of its dependencies register the same protobuf file; the official build allows that too.
          "-X google.golang.org/protobuf/reflect/protoregistry.conflictPolicy=ignore",
          `-X github.com/pulumi/pulumi-terraform-bridge/v3/dynamic/version.version=v${versions.bridge}`,
        ],
      ),
    },
    {
      name: providerName,
      version,
      target: join(
        ...[home, "dynamic_tf_plugins", address, version, `linux_${goArch(arch)}`],
        `${providerName}_v${version}`,
      ),
      recipe: go(
        "libvirt-provider",
        "github.com/dmacvicar/terraform-provider-libvirt",
        `v${version}`,
        [],
        goLibvirt,
      ),
    },
  ];
  return parts.map((part) => ({ ...part, key: keyOf(root, part) }));
}

/**
 * What go-libvirt makes of a stream, by which a guest's seed is read back.
 *
 * - libvirt's daemon sends the stream from another thread than the answer to the call that asked for it, so its first packets may come
 *   before that answer. go-libvirt takes what comes first for the answer, and the answer for the stream's end: the seed is read back as
 *   empty. What it is stands in each packet's header.
 * - libvirt ends the stream with two packets or more. The caller leaves after the first; one that comes before the caller is deregistered,
 *   and finds no place in the channel, waits for ever, and holds the lock that deregistering needs
 *   (github.com/digitalocean/go-libvirt/issues/241). One place was not enough where three seeds were made at once.
 */
const goLibvirt: Amended = {
  module: "github.com/digitalocean/go-libvirt",
  file: "rpc.go",
  changes: [
    { lines: "\tc := make(chan response)\n", by: "\tc := make(chan response, 64)\n" },
    { lines: "\tStatus  uint32\n}\n", by: "\tStatus  uint32\n\tType    uint32\n}\n" },
    {
      lines: "response{Payload: buf, Status: h.Status}",
      by: "response{Payload: buf, Status: h.Status, Type: h.Type}",
    },
    {
      lines: `\tresp, err := l.getResponse(c)
\tif err != nil {
\t\treturn resp, err
\t}

\tif out != nil {
`,
      by: `\tvar early []response
\tresp, err := l.getResponse(c)
\tfor err == nil && resp.Type == socket.Stream {
\t\tearly = append(early, resp)
\t\tresp, err = l.getResponse(c)
\t}
\tif err != nil {
\t\treturn resp, err
\t}

\tif out != nil {
`,
    },
    {
      lines: "\tdefault:\n\t\treturn l.processIncomingStream(c, in)\n",
      by: "\tdefault:\n\t\treturn l.processIncomingStream(c, in, early...)\n",
    },
    {
      lines: `inStream io.Writer) (response, error) {
\tfor {
\t\tresp, err := l.getResponse(c)
`,
      by: `inStream io.Writer, early ...response) (response, error) {
\tfor {
\t\tvar resp response
\t\tvar err error
\t\tif len(early) > 0 {
\t\t\tresp, early = early[0], early[1:]
\t\t} else {
\t\t\tresp, err = l.getResponse(c)
\t\t}
`,
    },
  ],
};

/** Checks that a go.mod here has the module of `goPackage` at the version that is needed. */
function requireModule(root: string, module: string, goPackage: string, needed: string): void {
  const file = join("offline/go", module, "go.mod");
  const required = [
    ...readFileSync(join(root, file), "utf8").matchAll(/^\s*(?:require )?([\w.\-/]+) (v\S+)/gm),
  ];
  const [, path, version] = required.find(([, path = ""]) => `${goPackage}/`.startsWith(`${path}/`)) ?? [];
  if (version !== needed)
    throw new Error(
      `${file} has ${path ?? goPackage} at ${version ?? "no version"}, the project needs ${needed}: ` +
        `in offline/go/${module} run "go get ${path ?? goPackage}@VERSION && go mod tidy -e"`,
    );
}

function keyOf(root: string, { version, recipe }: Omit<Part, "key">): string {
  const hash = createHash("sha256").update(JSON.stringify([version, recipe]));
  for (const file of sources(root, recipe)) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/** The files of the project that a part is made from; the lock file stands for the npm packages. */
function sources(root: string, recipe: Recipe): string[] {
  if (recipe.kind === "go")
    return ["go.mod", "go.sum"].map((file) => join("offline/go", recipe.module, file));
  if (recipe.kind === "copy") return [recipe.from];
  const folder = recipe.entry.replace(/\/.*/, "");
  const own = globSync([`offline/${folder}/*.ts`, "offline/plugin-server.ts"], { cwd: root }).sort();
  return [...own, "package-lock.json"];
}
