// pulumi-language-nodejs, for machines that cannot download it: how the engine runs a program written for Node.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ServerWritableStream } from "@grpc/grpc-js";
import languageGrpc from "@pulumi/pulumi/proto/language_grpc_pb.js";
import type * as messages from "@pulumi/pulumi/proto/language_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import { version } from "@pulumi/pulumi/version.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { Lifetime, refused, serve, streamed, unary } from "../plugin-server.ts";
import { installedPackages, programDependencies, readPackageJson, requiredPackages } from "./packages.ts";
import { parseOptions, type RuntimeOptions, runProgram } from "./program.ts";

const lifetime = new Lifetime();
let engine = process.argv.slice(2).find((argument) => !argument.startsWith("-")) ?? "";

function programInfo(info: messages.ProgramInfo | undefined) {
  if (info === undefined) throw new Error("the engine sent no program info");
  const options = info.getOptions()?.toJavaScript() ?? {};
  return {
    programDirectory: info.getProgramDirectory(),
    rootDirectory: info.getRootDirectory() || info.getProgramDirectory(),
    entryPoint: info.getEntryPoint(),
    options: parseOptions(options),
  };
}

const handlers = {
  handshake: unary((request: messages.LanguageHandshakeRequest) => {
    engine = request.getEngineAddress() || engine;
    return new language.LanguageHandshakeResponse();
  }),

  getPluginInfo: unary(() => new plugin.PluginInfo().setVersion(version)),

  getRequiredPackages: unary((request: messages.GetRequiredPackagesRequest) => {
    const { programDirectory, rootDirectory } = programInfo(request.getInfo());
    const response = new language.GetRequiredPackagesResponse();
    for (const required of requiredPackages(installedPackages(programDirectory, rootDirectory))) {
      const dependency = new plugin.PackageDependency()
        .setName(required.name)
        .setKind("resource")
        .setVersion(required.version)
        .setServer(required.server ?? "");
      if (required.parameterization !== undefined) {
        dependency.setParameterization(
          new plugin.PackageParameterization()
            .setName(required.parameterization.name)
            .setVersion(required.parameterization.version)
            .setValue(required.parameterization.value), // protobuf takes bytes as base64, which this is
        );
      }
      response.addPackages(dependency);
    }
    return response;
  }),

  run: unary(async (request: messages.RunRequest) => {
    if (request.getAttachDebugger()) throw refused("--attach-debugger");
    const config: Record<string, string> = {};
    for (const [key, value] of request.getConfigMap().entries()) config[key] = value;
    const result = await lifetime.during(() =>
      runProgram(
        {
          ...programInfo(request.getInfo()),
          args: request.getArgsList(),
          monitorAddress: request.getMonitorAddress(),
          engineAddress: engine,
          organization: request.getOrganization(),
          project: request.getProject(),
          stack: request.getStack(),
          dryRun: request.getDryrun(),
          parallel: request.getParallel(),
          config,
          configSecretKeys: request.getConfigsecretkeysList(),
        },
        lifetime.signal,
      ),
    );
    return new language.RunResponse().setError(result.error ?? "").setBail(result.bail ?? false);
  }),

  installDependencies: streamed(
    async (
      request: messages.InstallDependenciesRequest,
      call: ServerWritableStream<messages.InstallDependenciesRequest, messages.InstallDependenciesResponse>,
    ) => {
      const { programDirectory, rootDirectory, options } = programInfo(request.getInfo());
      const manager = packageManager(programDirectory, rootDirectory, options);
      // Bytes, as protobuf would take a string for base64.
      const out = (data: Buffer) => call.write(new language.InstallDependenciesResponse().setStdout(data));
      const err = (data: Buffer) => call.write(new language.InstallDependenciesResponse().setStderr(data));
      out(Buffer.from(`Installing dependencies with ${manager}...\n\n`));
      const child = spawn(manager, ["install"], { cwd: programDirectory, stdio: ["ignore", "pipe", "pipe"] });
      child.stdout.on("data", out);
      child.stderr.on("data", err);
      const [code] = await once(child, "close"); // rejects if the manager cannot be started
      if (code !== 0) throw new Error(`${manager} install in ${programDirectory} exited with code ${code}`);
      out(Buffer.from("Finished installing dependencies\n\n"));
    },
  ),

  runtimeOptionsPrompts: unary(() => new language.RuntimeOptionsResponse()),

  about: unary(() =>
    new language.AboutResponse().setExecutable(process.execPath).setVersion(process.version),
  ),

  getProgramDependencies: unary((request: messages.GetProgramDependenciesRequest) => {
    const { programDirectory, rootDirectory } = programInfo(request.getInfo());
    const program = readPackageJson(programDirectory);
    if (program === undefined) throw new Error(`no package.json that can be read in ${programDirectory}`);
    const response = new language.GetProgramDependenciesResponse();
    for (const { name, version } of programDependencies(
      program,
      installedPackages(programDirectory, rootDirectory),
      request.getTransitivedependencies(),
    ))
      response.addDependencies(new language.DependencyInfo().setName(name).setVersion(version));
    return response;
  }),

  cancel: unary(() => {
    lifetime.cancel();
    return new empty.Empty();
  }),
};

/** The package manager to install with: the one asked for, or else the one whose lock file is there. */
function packageManager(programDirectory: string, rootDirectory: string, options: RuntimeOptions): string {
  if (options.packagemanager !== "auto") return options.packagemanager;
  const has = (lock: string) => [programDirectory, rootDirectory].some((dir) => existsSync(join(dir, lock)));
  return has("pnpm-lock.yaml") ? "pnpm" : has("yarn.lock") ? "yarn" : "npm";
}

void serve(languageGrpc.LanguageRuntimeService, handlers);
