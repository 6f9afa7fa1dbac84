import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { dirname } from "node:path";
import pRetry, { AbortError } from "p-retry";
import { sumFile } from "./cache.ts";
import { reason, request, status } from "./http.ts";
import { checkSum, ImageError, type Sum } from "./image.ts";
import { type DownloadProgress, noProgress } from "./progress.ts";

export interface DownloadOptions {
  /** The sum the file must have. Default: whatever was served is taken. */
  sum?: Sum;
  progress?: DownloadProgress;
  /** Told of each failed attempt that is followed by another. */
  onRetry?: (why: string) => void;
  /** Attempts after the first. Default: 5. */
  retries?: number;
  /** Pause before the first retry, doubled each time. Default: 1000. */
  retryDelayMs?: number;
  /** A connection that brings nothing for this long is given up. Default: 30000. */
  stallTimeoutMs?: number;
}

/** Beside a partial download, what it is of: if missing or something else, the download starts again. */
interface Begun {
  url: string;
  /** The server's word for this version of the file: a strong ETag, or the time of its last change. */
  version: string;
}

/**
 * Fetches a URL into a file, which appears once it is whole and has the right sum. An interrupted download is
 * resumed, by a later call too, if the server still has the same version of the file.
 *
 * @returns the file's sum: the kind that it must have, or else SHA-256
 */
export async function download(url: string, file: string, options: DownloadOptions = {}): Promise<string> {
  const part = `${file}.part`;
  await mkdir(dirname(file), { recursive: true });
  try {
    await pRetry(() => fetchRest(url, part, options), {
      retries: options.retries ?? 5,
      minTimeout: options.retryDelayMs ?? 1000,
      onFailedAttempt: ({ error, retriesLeft }) => {
        if (retriesLeft > 0) options.onRetry?.(`${reason(error)}; trying again`);
      },
    });
  } catch (error) {
    throw new ImageError(
      `Downloading ${url} failed: ${reason(error)}. What was fetched is kept: the next run goes on from there.`,
      { cause: error },
    );
  }
  const found = await sumFile(part, options.sum?.algorithm);
  try {
    checkSum(found, options.sum, `What ${url} served`, "Nothing of it was kept.");
    await flush(part);
    await rename(part, file);
  } finally {
    await discard(part);
  }
  return found;
}

const begunFile = (part: string) => `${part}.json`;

async function discard(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(begunFile(part), { force: true });
}

async function fetchRest(url: string, part: string, options: DownloadOptions): Promise<void> {
  const begun = await readBegun(part);
  const have = begun?.url === url ? await sizeOf(part) : 0;
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (begun && have > 0) {
    headers.range = `bytes=${have}-`;
    headers["if-range"] = begun.version;
  }

  const stall = stallTimer(options.stallTimeoutMs ?? 30_000);
  const progress = options.progress ?? noProgress;
  try {
    const response = await request(url, { headers, signal: stall.signal });
    const range = contentRange(response);
    if (response.statusCode === 416) {
      // Its body, if it has one, is a page about the error and nothing of the file.
      response.destroy();
      // All of it was there already: the run before ended between the last byte and the check.
      if (range.total === have) return;
    }
    // What is there will never fit what the server has: the next attempt starts from the beginning.
    if (response.statusCode === 416 || (response.statusCode === 206 && range.start !== have))
      await discard(part);
    const { done, total } = accept(response, range, have);
    if (done === 0) await writeBegun(part, url, response);
    let received = done;
    const file = await open(part, done > 0 ? "a" : "w");
    progress.start(done, total);
    try {
      for await (const chunk of response) {
        stall.restart();
        await file.writeFile(chunk);
        received += chunk.length;
        progress.update(received);
      }
    } finally {
      await file.close();
      progress.stop();
    }
    if (total !== undefined && received > total) {
      await discard(part);
      throw new Error(`the server sent ${received} bytes of a file of ${total}`);
    }
    if (total !== undefined && received < total)
      throw new Error(`the connection ended after ${received} of ${total} bytes`);
  } finally {
    stall.stop();
  }
}

/** Where in the file the server's data begins, and how long the file is; as far as the server says so. */
function contentRange({ headers }: IncomingMessage): { start?: number; total?: number } {
  const [, start, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers["content-range"] ?? "") ?? [];
  return { start: decimal(start), total: decimal(total) };
}

const decimal = (text: string | undefined) => (text === undefined || text === "*" ? undefined : Number(text));

/** The offset to write the server's data at, and the length of the whole file. */
function accept(
  response: IncomingMessage,
  { start, total }: ReturnType<typeof contentRange>,
  have: number,
): { done: number; total?: number } {
  const { statusCode = 0, headers } = response;
  if (statusCode === 206 && start === have) return { done: have, total };
  if (statusCode === 200) return { done: 0, total: decimal(headers["content-length"]) };
  response.destroy();
  const error = new Error(`the server answers ${status(response)}`);
  const passing = statusCode >= 500 || [206, 408, 416, 429].includes(statusCode);
  throw passing ? error : new AbortError(error);
}

function stallTimer(timeoutMs: number) {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new Error(`nothing came for ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  return { signal: controller.signal, restart: () => timer.refresh(), stop: () => clearTimeout(timer) };
}

async function readBegun(part: string): Promise<Begun | undefined> {
  try {
    return JSON.parse(await readFile(begunFile(part), "utf8")) as Begun;
  } catch {
    return undefined;
  }
}

/** If-Range takes strong validators only. With none, what comes now cannot be resumed. */
async function writeBegun(part: string, url: string, { headers }: IncomingMessage): Promise<void> {
  const { etag } = headers;
  const version = etag && !etag.startsWith("W/") ? etag : headers["last-modified"];
  await rm(begunFile(part), { force: true });
  if (version) await writeFile(begunFile(part), JSON.stringify({ url, version } satisfies Begun));
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, "r+");
  await handle.sync();
  await handle.close();
}
