// What the command plugin's resources take: the same names and types as @pulumi/command's SDK, which a test holds
// this against. What this stand-in cannot do is listed too, so that it is refused by name.
import { z } from "zod";
import { asAsset, holdsUnknown, plain, secret, type Wire, type WireProperties } from "./values.ts";

const host = {
  agentSocketPath: z.string().optional(),
  dialErrorLimit: z.int().default(10), // further attempts after the first; -1: without end
  host: z.string(),
  hostKey: z.string().optional(), // as in authorized_keys: "ssh-ed25519 AAAA…"
  password: z.string().optional(),
  perDialTimeout: z.int().default(15), // seconds; 0: no limit
  port: z.int().default(22),
  privateKey: z.string().optional(),
  privateKeyPassword: z.string().optional(),
  user: z.string().default("root"),
};

export const proxyConnection = z.strictObject(host);
export const connection = z.strictObject({ ...host, proxy: proxyConnection.optional() });

/** How one machine is reached. */
export type Host = z.output<typeof proxyConnection>;
/** How a host is reached, through a proxy or not. */
export type Connection = z.output<typeof connection>;

const lifecycle = {
  addPreviousOutputInEnv: z.boolean().default(true),
  create: z.string().optional(),
  delete: z.string().optional(),
  environment: z.record(z.string(), z.string()).optional(),
  logging: z.enum(["none", "stderr", "stdout", "stdoutAndStderr"]).default("stdoutAndStderr"),
  stdin: z.string().optional(),
  triggers: z.array(z.unknown()).optional(),
  update: z.string().optional(),
};

export const localCommandSchema = z.strictObject({
  ...lifecycle,
  dir: z.string().optional(),
  interpreter: z.array(z.string()).optional(),
});

export const remoteCommandSchema = z.strictObject({ ...lifecycle, connection });

export const copyToRemoteSchema = z.strictObject({
  connection,
  remotePath: z.string(),
  source: z.unknown().transform((value, context) => {
    const asset = asAsset(value as Wire);
    if (asset !== undefined) return asset;
    context.addIssue({
      code: "custom",
      message:
        "must be a FileAsset, StringAsset or FileArchive: other assets and archives are not supported here",
    });
    return z.NEVER;
  }),
  triggers: z.array(z.unknown()).optional(),
});

export type LocalCommand = z.output<typeof localCommandSchema>;
export type RemoteCommand = z.output<typeof remoteCommandSchema>;
export type CopyToRemote = z.output<typeof copyToRemoteSchema>;

interface ResourceType {
  readonly inputs: z.ZodObject;
  /** What the plugin adds to the inputs. */
  readonly outputs: readonly string[];
  /** Properties of the official plugin that this one does not have. */
  readonly refused: readonly string[];
}

/** Every type of the official plugin; undefined is one that this plugin refuses altogether. */
export const resourceTypes: Readonly<Record<string, ResourceType | undefined>> = {
  "command:local:Command": {
    inputs: localCommandSchema,
    outputs: ["stderr", "stdout"],
    refused: ["archive", "archivePaths", "assetPaths", "assets"],
  },
  "command:remote:Command": { inputs: remoteCommandSchema, outputs: ["stderr", "stdout"], refused: [] },
  "command:remote:CopyToRemote": { inputs: copyToRemoteSchema, outputs: [], refused: [] },
  "command:remote:CopyFile": undefined,
};

/** The official plugin's functions, all of which this one refuses. */
export const refusedFunctions: readonly string[] = ["command:local:run"];

interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

/**
 * Checks a resource's inputs: every mistake at once, each with its path. What is unknown yet is checked when it is
 * known. Returns the inputs with the defaults that belong into the state, and the connection marked as secret.
 */
export function checkInputs(
  type: string,
  news: WireProperties,
): { inputs: WireProperties; failures: CheckFailure[] } {
  const known = resourceTypes[type];
  if (known === undefined) throw new Error(`the type ${type} is not known here`);
  const failures: CheckFailure[] = [];
  for (const [name, value] of Object.entries(news)) {
    if (known.refused.includes(name) && value !== null)
      failures.push({
        property: name,
        reason: `${name} is not supported by this project's stand-in for the command plugin (see offline/README.md)`,
      });
  }
  const shape: z.ZodRawShape = known.inputs.shape;
  const checkable = Object.fromEntries(
    Object.entries(news).filter(([name, value]) => !known.refused.includes(name) && !holdsUnknown(value)),
  );
  // A property that is not known yet is neither missing nor wrong.
  const unknownNames = Object.keys(news).filter((name) => holdsUnknown(news[name]) && name in shape);
  const schema = z.strictObject(omit(shape, unknownNames));
  const result = schema.safeParse(withoutNulls(plain(checkable)));
  for (const issue of result.error?.issues ?? []) {
    const names =
      issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    const reason = issue.code === "unrecognized_keys" ? `${type} has no such property` : issue.message;
    for (const path of names) failures.push({ property: path.join("."), reason });
  }
  const inputs: WireProperties = { ...news };
  if ("addPreviousOutputInEnv" in shape) inputs.addPreviousOutputInEnv ??= true;
  if (inputs.connection !== undefined) inputs.connection = secret(inputs.connection);
  return { inputs, failures };
}

/** Reads a resource's properties for use, defaults filled in; outputs among them are left out. */
export function readInputs<Schema extends z.ZodObject>(
  schema: Schema,
  properties: WireProperties,
): z.output<Schema> {
  const names = Object.keys(schema.shape);
  const own = Object.fromEntries(Object.entries(properties).filter(([name]) => names.includes(name)));
  return schema.parse(withoutNulls(plain(own)));
}

function omit(shape: z.ZodRawShape, names: readonly string[]): z.ZodRawShape {
  return Object.fromEntries(Object.entries(shape).filter(([name]) => !names.includes(name)));
}

/** Pulumi writes an absent value as null in places; zod's optional means absent. Triggers may hold nulls that count. */
function withoutNulls(value: Wire): Wire {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== null)
      .map(([key, v]) => [key, withoutNulls(v)]),
  );
}
