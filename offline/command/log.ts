// Messages to the engine, which shows them at the resource they belong to.
import { credentials } from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import { channelOptions } from "../plugin-server.ts";

interface Message {
  readonly urn: string;
  readonly severity: engine.LogSeverity;
  readonly ephemeral: boolean;
  text: string;
}

/** Sends messages one after the other, in order; what comes meanwhile for the same place is sent as one. */
export class EngineLog {
  readonly #client: InstanceType<typeof engineGrpc.EngineClient>;
  readonly #waiting: Message[] = [];
  #sending: Promise<void> | undefined;

  constructor(address: string) {
    this.#client = new engineGrpc.EngineClient(address, credentials.createInsecure(), channelOptions);
  }

  /** A line of what is going on, shown while it lasts. */
  progress(urn: string, text: string): void {
    this.#send({ urn, severity: engine.LogSeverity.INFO, ephemeral: true, text });
  }

  warn(urn: string, text: string): void {
    this.#send({ urn, severity: engine.LogSeverity.WARNING, ephemeral: false, text });
  }

  /** Waits until everything has been sent. */
  async flush(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
  }

  #send(message: Message): void {
    const last = this.#waiting.at(-1);
    if (message.ephemeral && last?.ephemeral && last.urn === message.urn) last.text += `\n${message.text}`;
    else this.#waiting.push(message);
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined;
    });
  }

  async #drain(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { urn, severity, ephemeral, text } = next;
      const request = new engine.LogRequest()
        .setUrn(urn)
        .setSeverity(severity)
        .setMessage(text)
        .setEphemeral(ephemeral);
      // An engine that has gone is noticed elsewhere; a message that it did not get is no reason to fail.
      await new Promise<void>((resolve) => this.#client.log(request, () => resolve()));
    }
  }
}
