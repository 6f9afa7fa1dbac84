import * as http from "node:http";
import * as https from "node:https";
import { buffer } from "node:stream/consumers";

/**
 * A request whose redirects are followed. Not `fetch`: the undici in Node 24 can end the process when a server closes
 * its connection while the body is read slowly (https://github.com/nodejs/undici/issues/5360).
 */
export async function request(
  url: string,
  options: { method?: "GET" | "HEAD"; headers?: Record<string, string>; signal: AbortSignal },
  redirects = 5,
): Promise<http.IncomingMessage> {
  const { get } = url.startsWith("https:") ? https : http;
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    get(url, options, resolve).on("error", reject);
  });
  const { statusCode = 0, headers } = response;
  if (![301, 302, 303, 307, 308].includes(statusCode) || !headers.location) return response;
  response.destroy();
  if (redirects === 0) throw new Error(`${url} redirects again and again`);
  return await request(new URL(headers.location, url).href, options, redirects - 1);
}

/** A small file from a server. */
export async function fetchFile(url: string, timeoutMs: number): Promise<Buffer> {
  const response = await request(url, { signal: AbortSignal.timeout(timeoutMs) });
  const body = await buffer(response);
  if (response.statusCode !== 200) throw new Error(`${url} answers ${status(response)}`);
  return body;
}

export function status(response: http.IncomingMessage): string {
  return `${response.statusCode} ${response.statusMessage}`;
}

/** Why a request failed, in words. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // What an aborted request throws says only that; its cause says why.
  const cause = error.name === "AbortError" && error.cause instanceof Error ? error.cause : error;
  if (cause.name === "TimeoutError") return "no answer in time";
  return cause.message || (cause as NodeJS.ErrnoException).code || cause.name;
}
