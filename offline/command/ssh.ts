// Connects to a host over SSH, trying again as long as the connection's limits allow.
import type { Duplex } from "node:stream";
import pRetry from "p-retry";
import ssh2, { type AnyAuthMethod, type Client, type ConnectConfig, type ServerHostKeyAlgorithm } from "ssh2";
import type { Connection, Host } from "./schema.ts";

/** A connection that is dead without a word (the host was switched off) is noticed after about a minute. */
const keepalive = { keepaliveInterval: 15_000, keepaliveCountMax: 4 };

/** An open connection; whoever opened it closes it. */
export interface Session {
  readonly client: Client;
  close(): void;
}

/** Connects to a host, through its proxy if it has one. `progress` is told of attempts that failed. */
export async function openSession(
  connection: Connection,
  progress: (message: string) => void,
  signal: AbortSignal,
): Promise<Session> {
  const { proxy } = connection;
  if (proxy === undefined) {
    const client = await dial(connection, "Dial", () => Promise.resolve(undefined), progress, signal);
    return { client, close: () => client.end() };
  }
  const via = await dial(proxy, "Dial proxy", () => Promise.resolve(undefined), progress, signal).catch(
    (error) => {
      throw new Error(`proxy: ${error.message}`, { cause: error });
    },
  );
  try {
    const tunnel = () =>
      new Promise<Duplex>((resolve, reject) =>
        via.forwardOut("127.0.0.1", 0, connection.host, connection.port, (error, channel) =>
          error ? reject(error) : resolve(channel),
        ),
      );
    const client = await dial(connection, "Dial through the proxy", tunnel, progress, signal);
    return {
      client,
      close: () => {
        client.end();
        via.end();
      },
    };
  } catch (error) {
    via.end();
    throw error;
  }
}

async function dial(
  host: Host,
  what: string,
  stream: () => Promise<Duplex | undefined>,
  progress: (message: string) => void,
  signal: AbortSignal,
): Promise<Client> {
  const limit = host.dialErrorLimit;
  const config = connectConfig(host);
  try {
    return await pRetry(async () => attempt({ ...config, sock: await stream() }, signal), {
      retries: limit < 0 ? Number.POSITIVE_INFINITY : limit,
      minTimeout: 100,
      factor: 1.5,
      maxTimeout: 5_000,
      signal,
      onFailedAttempt: ({ error, attemptNumber }) =>
        progress(`${what} ${attemptNumber}/${limit < 0 ? "inf" : limit} failed: retrying (${error.message})`),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (signal.aborted) throw new Error(`connecting to ${host.user}@${host.host}:${host.port}: cancelled`);
    throw new Error(
      `connecting to ${host.user}@${host.host}:${host.port}: after ${limit + 1} failed attempts: ${reason}`,
      { cause: error },
    );
  }
}

function attempt(config: ConnectConfig, signal: AbortSignal): Promise<Client> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    const abandon = () => client.destroy();
    signal.addEventListener("abort", abandon, { once: true });
    client
      .once("ready", () => {
        signal.removeEventListener("abort", abandon); // from here on, who uses the connection ends it
        resolve(client);
      })
      .on("error", reject) // stays: a connection that breaks later closes its channels, which tell
      .once("close", () => {
        signal.removeEventListener("abort", abandon);
        reject(new Error("the connection was closed"));
      })
      .connect(config);
  });
}

/** ssh2's settings for a host. Throws if a key cannot be read. */
function connectConfig(host: Host): ConnectConfig {
  const agent = host.agentSocketPath ?? process.env.SSH_AUTH_SOCK;
  const methods: AnyAuthMethod[] = [];
  if (host.privateKey !== undefined) {
    const key = ssh2.utils.parseKey(host.privateKey, host.privateKeyPassword);
    if (key instanceof Error) throw new Error(`connection.privateKey of ${host.host}: ${key.message}`);
    methods.push({ type: "publickey", username: host.user, key });
  }
  if (host.password !== undefined) {
    methods.push({ type: "password", username: host.user, password: host.password });
    methods.push({
      type: "keyboard-interactive",
      username: host.user,
      prompt: (_name, _instructions, _language, prompts, answer) =>
        answer(prompts.map(() => host.password ?? "")),
    });
  }
  if (agent) methods.push({ type: "agent", username: host.user, agent });
  return {
    ...keepalive,
    host: host.host,
    port: host.port,
    username: host.user,
    readyTimeout: host.perDialTimeout * 1000,
    authHandler: methods,
    ...(host.hostKey === undefined ? {} : hostKeyConfig(host.hostKey)),
  };
}

/** Accepts the one host key alone, and asks the host for a key of its kind. */
function hostKeyConfig(hostKey: string): Pick<ConnectConfig, "hostVerifier" | "algorithms"> {
  const [kind = "", encoded = ""] = hostKey.trim().split(/\s+/);
  const expected = Buffer.from(encoded, "base64");
  if (!/^(ssh-|ecdsa-|sk-)/.test(kind) || expected.length === 0)
    throw new Error('connection.hostKey must be as in authorized_keys: "ssh-ed25519 AAAA…"');
  const algorithms: ServerHostKeyAlgorithm[] =
    kind === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [kind as ServerHostKeyAlgorithm];
  return {
    algorithms: { serverHostKey: algorithms },
    hostVerifier: (key: Buffer) => key.equals(expected),
  };
}
