// What every Pulumi plugin does: serve a gRPC service on loopback, print the port, and end when the engine does.
import * as grpc from "@grpc/grpc-js";

/** Pulumi's limit for one message, both ways: a stack's whole state may travel in one. */
const maxMessageBytes = 400 * 1024 * 1024;

/** The channel options that Pulumi's own programs use. */
export const channelOptions: grpc.ChannelOptions = {
  "grpc.max_receive_message_length": maxMessageBytes,
  "grpc.max_send_message_length": maxMessageBytes,
};

/** A failed call: what the engine shows, and gRPC's status code. */
class RpcError extends Error {
  readonly code: grpc.status;
  constructor(code: grpc.status, message: string) {
    super(message);
    this.code = code;
  }
}

/** A call that this stand-in refuses; `what` names it. */
export function refused(what: string): RpcError {
  return new RpcError(
    grpc.status.UNIMPLEMENTED,
    `${what} is not supported by this project's stand-in for Pulumi's own plugin (see offline/README.md). ` +
      "Where get.pulumi.com can be reached the official plugin is used, which supports it.",
  );
}

/** Answers a unary call with what `answer` returns; an exception becomes the call's error. */
export function unary<Request, Response>(
  answer: (request: Request, call: grpc.ServerUnaryCall<Request, Response>) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return async (call, reply) => {
    try {
      reply(null, await answer(call.request, call));
    } catch (error) {
      reply(asStatus(error));
    }
  };
}

/** Answers a call whose response is a stream: `answer` writes, the stream ends when it returns. */
export function streamed<Request, Response>(
  answer: (request: Request, call: grpc.ServerWritableStream<Request, Response>) => Promise<void>,
): grpc.handleServerStreamingCall<Request, Response> {
  return async (call) => {
    try {
      await answer(call.request, call);
      call.end();
    } catch (error) {
      call.emit("error", asStatus(error));
    }
  };
}

function asStatus(error: unknown): Partial<grpc.StatusObject> {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof RpcError ? error.code : grpc.status.UNKNOWN, details: message };
}

/**
 * Serves `handlers` on a free loopback port and prints that port, which is how the engine finds it.
 * Calls without a handler are refused by their names.
 */
export async function serve(
  service: grpc.ServiceDefinition,
  handlers: grpc.UntypedServiceImplementation,
): Promise<void> {
  const all: grpc.UntypedServiceImplementation = { ...handlers };
  for (const [name, method] of Object.entries(service)) {
    const refuse = () => {
      throw refused(method.path);
    };
    all[name] ??= method.responseStream ? streamed(refuse) : unary(refuse);
  }
  const server = new grpc.Server(channelOptions);
  server.addService(service, all);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  process.stdout.write(`${port}\n`);
}

/** What is stopped gets this long before the plugin ends without it. */
const endGraceMs = 7_000;

/** How often a plugin looks whether its engine is still there. */
const engineWatchMs = 200;

/**
 * A plugin's life: it ends on a signal, or when the process that started it, the engine's, has gone (a plugin must not
 * outlive a CLI that was killed); in both cases what runs is stopped first. The engine starts each plugin as a process
 * group, and at the end kills that group; an engine that has gone cannot, so it is done here.
 */
export class Lifetime {
  readonly #stopping = new AbortController();
  #running = 0;
  #exit: (() => void) | undefined;

  constructor() {
    // What is said once the engine has gone, nobody reads: that must not end this process before it has stopped what runs.
    for (const output of [process.stdout, process.stderr]) output.on("error", () => {});
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.on(signal, () => this.#end(() => process.exit(0)));
    const engine = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid === engine) return;
      clearInterval(watch);
      this.#end(killOwnGroup);
    }, engineWatchMs);
  }

  /** Aborts when everything that runs is to stop. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Stops what runs, and goes on serving: the engine cancels an update this way, and ends the plugin later. */
  cancel(): void {
    this.#stopping.abort();
  }

  /** Does work that the plugin's end waits for. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
      if (this.#exit !== undefined && this.#running === 0) setImmediate(this.#exit); // the answer goes out first
    }
  }

  #end(exit: () => void): void {
    this.#exit = exit;
    this.#stopping.abort();
    if (this.#running === 0) exit();
    else setTimeout(exit, endGraceMs).unref();
  }
}

function killOwnGroup(): void {
  try {
    process.kill(-process.pid, "SIGKILL"); // this process among them
  } catch {
    process.exit(0); // not started as a group
  }
}
