// pulumi-resource-command, for machines that cannot download it.
import commandPackage from "@pulumi/command/package.json" with { type: "json" };
import pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import type * as messages from "@pulumi/pulumi/proto/provider_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import structPb, { type Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import { Lifetime, refused, serve, unary } from "../plugin-server.ts";
import { EngineLog } from "./log.ts";
import {
  type Context,
  changedInputs,
  createResource,
  newId,
  removeResource,
  updateResource,
} from "./resources.ts";
import { checkInputs, resourceTypes } from "./schema.ts";
import type { WireProperties } from "./values.ts";

const { version } = commandPackage;
const lifetime = new Lifetime();
let engine = "";
let log: EngineLog | undefined;

/** Logs to the engine at `address` from now on. */
function attach(address: string): void {
  if (address === "" || address === engine) return;
  engine = address;
  log = new EngineLog(address);
}

function read(struct: Struct | undefined): WireProperties {
  return (struct?.toJavaScript() ?? {}) as WireProperties;
}

function write(properties: WireProperties): Struct {
  return structPb.Struct.fromJavaScript(properties);
}

/** The type and name in a resource's URN: …::type::name, the type after those of its parents, joined by "$". */
function parseUrn(urn: string): { type: string; name: string } {
  const [, , types = "", ...name] = urn.split("::");
  const type = types.slice(types.lastIndexOf("$") + 1);
  if (resourceTypes[type] === undefined) throw refused(`the resource type ${type}`);
  return { type, name: name.join("::") };
}

/** Does an operation's work, with a log that belongs to its resource. */
function operation<Result>(urn: string, work: (context: Context) => Promise<Result>): Promise<Result> {
  return lifetime.during(async () => {
    try {
      return await work({
        progress: (message) => log?.progress(urn, message),
        warn: (message) => log?.warn(urn, message),
        signal: lifetime.signal,
      });
    } finally {
      await log?.flush();
    }
  });
}

const { ADD, ADD_REPLACE, DELETE, DELETE_REPLACE, UPDATE, UPDATE_REPLACE } = provider.PropertyDiff.Kind;
const kinds = { add: ADD, delete: DELETE, update: UPDATE };
const replacingKinds = { add: ADD_REPLACE, delete: DELETE_REPLACE, update: UPDATE_REPLACE };

const handlers = {
  handshake: unary((request: messages.ProviderHandshakeRequest) => {
    attach(request.getEngineAddress());
    return new provider.ProviderHandshakeResponse().setAcceptSecrets(true);
  }),

  attach: unary((request: { getAddress(): string }) => {
    attach(request.getAddress());
    return new empty.Empty();
  }),

  getPluginInfo: unary(() => new pluginMessages.PluginInfo().setVersion(version)),

  checkConfig: unary((request: messages.CheckRequest) =>
    new provider.CheckResponse().setInputs(request.getNews()),
  ),

  diffConfig: unary(() =>
    new provider.DiffResponse().setChanges(provider.DiffResponse.DiffChanges.DIFF_NONE),
  ),

  configure: unary(() => new provider.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true)),

  check: unary((request: messages.CheckRequest) => {
    const { inputs, failures } = checkInputs(parseUrn(request.getUrn()).type, read(request.getNews()));
    const response = new provider.CheckResponse().setInputs(write(inputs));
    for (const { property, reason } of failures)
      response.addFailures(new provider.CheckFailure().setProperty(property).setReason(reason));
    return response;
  }),

  diff: unary((request: messages.DiffRequest) => {
    const { type } = parseUrn(request.getUrn());
    const found = changedInputs(type, read(request.getOlds()), read(request.getNews()));
    const { DIFF_NONE, DIFF_SOME } = provider.DiffResponse.DiffChanges;
    const response = new provider.DiffResponse()
      .setChanges(found.size > 0 ? DIFF_SOME : DIFF_NONE)
      .setHasdetaileddiff(true);
    for (const [path, change] of found) {
      const top = path.replace(/[.[].*/, "");
      const replaces = top === "triggers";
      const kind = (replaces ? replacingKinds : kinds)[change];
      response.getDetaileddiffMap().set(path, new provider.PropertyDiff().setKind(kind).setInputdiff(true));
      if (!response.getDiffsList().includes(top)) response.addDiffs(top);
      if (replaces && !response.getReplacesList().includes(top)) response.addReplaces(top);
    }
    return response;
  }),

  create: unary((request: messages.CreateRequest) =>
    operation(request.getUrn(), async (context) => {
      const { type, name } = parseUrn(request.getUrn());
      const properties = await createResource(
        type,
        read(request.getProperties()),
        request.getPreview(),
        context,
      );
      return new provider.CreateResponse()
        .setId(request.getPreview() ? "" : newId(type, name))
        .setProperties(write(properties));
    }),
  ),

  // What a command did cannot be read back; what is known of it is what is in the state.
  read: unary((request: messages.ReadRequest) =>
    new provider.ReadResponse()
      .setId(request.getId())
      .setProperties(request.getProperties())
      .setInputs(request.getInputs()),
  ),

  update: unary((request: messages.UpdateRequest) =>
    operation(request.getUrn(), async (context) => {
      const { type } = parseUrn(request.getUrn());
      const [olds, news] = [read(request.getOlds()), read(request.getNews())];
      const properties = await updateResource(type, olds, news, request.getPreview(), context);
      return new provider.UpdateResponse().setProperties(write(properties));
    }),
  ),

  delete: unary((request: messages.DeleteRequest) =>
    operation(request.getUrn(), async (context) => {
      await removeResource(parseUrn(request.getUrn()).type, read(request.getProperties()), context);
      return new empty.Empty();
    }),
  ),

  invoke: unary((request: messages.InvokeRequest) => {
    throw refused(`the function ${request.getTok()}`);
  }),

  cancel: unary(() => {
    lifetime.cancel();
    return new empty.Empty();
  }),
};

attach(process.argv.slice(2).find((argument) => !argument.startsWith("-")) ?? "");
void serve(providerGrpc.ResourceProviderService, handlers);
