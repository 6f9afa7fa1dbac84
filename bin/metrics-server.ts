import { createServer, type Server } from "node:http";

export interface ListenAddress {
  host: string;
  port: number;
}

/** @returns undefined when the text is no `ADDRESS:PORT` or `PORT`; an IPv6 address stands in brackets */
export function listenAddress(text: string): ListenAddress | undefined {
  const [, bracketed, plain, port] = /^(?:(?:\[([\da-f:]+)\]|([\w.-]+)):)?(\d{1,5})$/i.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) return undefined;
  return { host: bracketed ?? plain ?? "127.0.0.1", port: Number(port) };
}

/**
 * Answers Prometheus at /metrics with what `text` returns then.
 *
 * @returns once it listens; throws when it can't
 */
export function serveMetrics({ host, port }: ListenAddress, text: () => Promise<string>): Promise<Server> {
  const server = createServer(async (request, response) => {
    if (request.url !== "/metrics" || request.method !== "GET") return response.writeHead(404).end();
    try {
      const body = await text();
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(body);
    } catch (error) {
      response.writeHead(500, { "content-type": "text/plain" }).end(`${(error as Error).message}\n`);
    }
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        new Error(`metrics cannot be served on ${host} port ${port}: ${error.message}`, { cause: error }),
      ),
    );
    server.listen(port, host, () => resolve(server));
  });
}
