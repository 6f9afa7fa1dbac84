// What the plugin does for a resource: which properties come out, and which commands run when.
import { randomBytes } from "node:crypto";
import { runLocal } from "./local.ts";
import { Output } from "./output.ts";
import { copy, runRemote } from "./remote.ts";
import {
  copyToRemoteSchema,
  type LocalCommand,
  localCommandSchema,
  type RemoteCommand,
  readInputs,
  remoteCommandSchema,
  resourceTypes,
} from "./schema.ts";
import { openSession } from "./ssh.ts";
import {
  asAsset,
  changes,
  hasSecret,
  plain,
  secret,
  unknownString,
  type Wire,
  type WireProperties,
} from "./values.ts";

/** What an operation may use of the engine. */
export interface Context {
  /** Shown while the operation runs, then forgotten. */
  progress(message: string): void;
  /** Shown, and kept among the update's diagnostics. */
  warn(message: string): void;
  /** Aborts when the update is cancelled. */
  readonly signal: AbortSignal;
}

/** The id of a new resource: the official plugin's, its name and eight random digits; a copy has the digits alone. */
export function newId(type: string, name: string): string {
  return `${type === "command:remote:CopyToRemote" ? "" : name}${randomBytes(4).toString("hex")}`;
}

export async function createResource(
  type: string,
  inputs: WireProperties,
  preview: boolean,
  context: Context,
): Promise<WireProperties> {
  if (type === "command:remote:CopyToRemote") {
    if (!preview) await runCopy(inputs, context);
    return inputs;
  }
  if (preview) return { ...inputs, stdout: unknownString, stderr: unknownString };
  const command = text(inputs.create);
  if (command === undefined) return { ...inputs, stdout: "", stderr: "" };
  return withOutputs(inputs, await run(type, command, inputs, inputs, context));
}

export async function updateResource(
  type: string,
  olds: WireProperties,
  inputs: WireProperties,
  preview: boolean,
  context: Context,
): Promise<WireProperties> {
  if (type === "command:remote:CopyToRemote") {
    const moved = plain(olds.remotePath ?? null) !== plain(inputs.remotePath ?? null);
    const changed = hashOf(olds.source) !== hashOf(inputs.source);
    if (!preview && (moved || changed)) await runCopy(inputs, context);
    return inputs;
  }
  if (preview) {
    const changed = changedInputs(type, olds, inputs).size > 0;
    return changed
      ? { ...inputs, stdout: unknownString, stderr: unknownString }
      : { ...inputs, stdout: olds.stdout ?? "", stderr: olds.stderr ?? "" };
  }
  const command = text(inputs.update) ?? text(inputs.create);
  if (command === undefined) return { ...inputs, stdout: olds.stdout ?? "", stderr: olds.stderr ?? "" };
  return withOutputs(inputs, await run(type, command, inputs, olds, context));
}

export async function removeResource(
  type: string,
  properties: WireProperties,
  context: Context,
): Promise<void> {
  const command = text(properties.delete);
  if (command !== undefined) await run(type, command, properties, properties, context);
}

/** How a resource's inputs differ from what is in the state. */
export function changedInputs(type: string, olds: WireProperties, news: WireProperties) {
  const names = Object.keys(resourceTypes[type]?.inputs.shape ?? {});
  const inputsOf = (properties: WireProperties): WireProperties =>
    Object.fromEntries(Object.entries(properties).filter(([name]) => names.includes(name)));
  return changes(inputsOf(olds), inputsOf(news));
}

/** Whether a command is given anything secret. The connection is always secret, and no part of what it is given. */
function givesSecrets(inputs: WireProperties): boolean {
  const { connection, triggers, stdout, stderr, ...given } = inputs;
  return Object.values(given).some(hasSecret);
}

/**
 * Adds what a command wrote. It is secret when something that the command was given is: more careful than the official
 * plugin, which leaves that to `additionalSecretOutputs`.
 */
function withOutputs(
  inputs: WireProperties,
  { stdout, stderr }: { stdout: string; stderr: string },
): WireProperties {
  const mark = givesSecrets(inputs) ? secret : (value: Wire) => value;
  return { ...inputs, stdout: mark(stdout), stderr: mark(stderr) };
}

/** Runs one command with the settings in `properties`; `previous` holds what the last one wrote. */
async function run(
  type: string,
  command: string,
  properties: WireProperties,
  previous: WireProperties,
  context: Context,
): Promise<{ stdout: string; stderr: string }> {
  const isRemote = type === "command:remote:Command";
  const inputs: LocalCommand | RemoteCommand = readInputs(
    isRemote ? remoteCommandSchema : localCommandSchema,
    properties,
  );
  // What may hold a secret is shown only if the program asks for it.
  const logging = properties.logging === undefined && givesSecrets(properties) ? "none" : inputs.logging;
  const output = new Output(logging, context.progress);
  const environment = inputs.environment ?? {};
  const previousOutputs: Record<string, string> = {};
  if (inputs.addPreviousOutputInEnv) {
    const [stdout, stderr] = [text(previous.stdout), text(previous.stderr)];
    if (stdout) previousOutputs.PULUMI_COMMAND_STDOUT = stdout;
    if (stderr) previousOutputs.PULUMI_COMMAND_STDERR = stderr;
  }
  const isSecret = ["create", "update", "delete"].some((name) => hasSecret(properties[name]));
  const shownAs = isSecret ? "[secret]" : command;
  const { stdin } = inputs;
  if ("connection" in inputs) {
    const session = await openSession(inputs.connection, context.progress, context.signal);
    try {
      const given = { command, environment, optionalEnvironment: previousOutputs, stdin, shownAs };
      await runRemote(session, given, output, context.warn, context.signal);
    } finally {
      session.close();
    }
  } else {
    const { dir, interpreter } = inputs;
    const given = {
      command,
      environment: { ...environment, ...previousOutputs },
      stdin,
      shownAs,
      dir,
      interpreter,
    };
    await runLocal(given, output, context.signal);
  }
  return output.outputs;
}

async function runCopy(properties: WireProperties, context: Context): Promise<void> {
  const inputs = readInputs(copyToRemoteSchema, { ...properties, source: properties.source ?? null });
  const session = await openSession(inputs.connection, context.progress, context.signal);
  try {
    await copy(session, inputs, context.signal);
  } finally {
    session.close();
  }
}

function text(value: Wire | undefined): string | undefined {
  const known = value === undefined ? undefined : plain(value);
  return typeof known === "string" ? known : undefined;
}

function hashOf(source: Wire | undefined): string | undefined {
  return source === undefined ? undefined : asAsset(plain(source))?.hash;
}
