import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type DownloadOptions, download } from "../../../images/download.ts";
import { ImageServer } from "../helpers/images-server.ts";

const content = randomBytes(300_000);
const sha256 = createHash("sha256").update(content).digest("hex");
const quick: DownloadOptions = { retryDelayMs: 1, retries: 2 };

let server: ImageServer;
let url: string;
let folder: string;
let file: string;

beforeEach(async () => {
  server = new ImageServer();
  server.files.set("/image", content);
  url = `${await server.start()}/image`;
  folder = await mkdtemp(join(tmpdir(), "images-"));
  file = join(folder, "image");
});

afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

test("a download is whole, has its sum and leaves nothing else behind", async () => {
  expect(
    await download(url, file, { ...quick, sum: { algorithm: "sha256", hex: sha256.toUpperCase() } }),
  ).toBe(sha256);
  expect(await readFile(file)).toEqual(content);
  expect(await readdir(folder)).toEqual(["image"]);
});

test("a lost connection is resumed where it was lost", async () => {
  server.cut = { afterBytes: 100_000, times: 2 };
  const retries: string[] = [];
  expect(await download(url, file, { ...quick, onRetry: (why) => retries.push(why) })).toBe(sha256);
  expect(server.requests.map(({ status }) => status)).toEqual([200, 206, 206]);
  expect(server.requests[1]?.range).toMatch(/^bytes=[1-9]\d*-$/);
  expect(retries).toHaveLength(2);
});

test("a server that goes silent is given up and tried again", async () => {
  server.hang = { afterBytes: 50_000, times: 1 };
  expect(await download(url, file, { ...quick, stallTimeoutMs: 100 })).toBe(sha256);
  expect(server.requests).toHaveLength(2);
});

test("the next run goes on from where an interrupted one ended", async () => {
  server.cut = { afterBytes: 100_000, times: 1 };
  await expect(download(url, file, { ...quick, retries: 0 })).rejects.toThrow(/the next run goes on/);
  expect(await readdir(folder)).toEqual(["image.part", "image.part.json"]);
  expect(await download(url, file, quick)).toBe(sha256);
  expect(server.requests.map(({ status }) => status)).toEqual([200, 206]);
});

test("the next run only checks a download whose last byte had arrived", async () => {
  await writeFile(`${file}.part`, content);
  await writeFile(`${file}.part.json`, JSON.stringify({ url, version: server.etag }));
  expect(await download(url, file, { ...quick, sum: { algorithm: "sha256", hex: sha256 } })).toBe(sha256);
  expect(server.requests.map(({ status }) => status)).toEqual([416]);
  expect(await readFile(file)).toEqual(content);
});

test("what is longer than the file is thrown away, and the download begins anew", async () => {
  await writeFile(`${file}.part`, Buffer.concat([content, Buffer.from("<html>no</html>")]));
  await writeFile(`${file}.part.json`, JSON.stringify({ url, version: server.etag }));
  expect(await download(url, file, { ...quick, sum: { algorithm: "sha256", hex: sha256 } })).toBe(sha256);
  expect(server.requests.map(({ status }) => status)).toEqual([416, 200]);
  expect(await readdir(folder)).toEqual(["image"]);
});

test("a file that changed on the server meanwhile begins anew", async () => {
  server.cut = { afterBytes: 100_000, times: 1 };
  await expect(download(url, file, { ...quick, retries: 0 })).rejects.toThrow();
  const changed = randomBytes(200_000);
  server.files.set("/image", changed);
  server.etag = '"two"';
  await download(url, file, quick);
  expect(await readFile(file)).toEqual(changed);
});

test("what is half-done of another URL is not taken for this one", async () => {
  await writeFile(`${file}.part`, "other");
  await writeFile(`${file}.part.json`, JSON.stringify({ url: `${url}2`, version: server.etag }));
  expect(await download(url, file, quick)).toBe(sha256);
});

test("a wrong sum names both, and nothing is kept", async () => {
  const wrong = "0".repeat(64);
  const failure = await download(url, file, { ...quick, sum: { algorithm: "sha256", hex: wrong } }).catch(
    (error: Error) => error.message,
  );
  expect(failure).toContain(wrong);
  expect(failure).toContain(sha256);
  expect(await readdir(folder)).toEqual([]);
});

test("a passing failure of the server is tried again, a final one is not", async () => {
  server.failures = [503, 429];
  expect(await download(url, file, quick)).toBe(sha256);
  await rm(file);
  server.requests = [];
  await expect(download(`${url}-nowhere`, file, quick)).rejects.toThrow(/-nowhere.*404/);
  expect(server.requests).toHaveLength(1);
});

test("redirects are followed, but not for ever", async () => {
  server.redirects.set("/latest", "/image");
  expect(await download(url.replace("/image", "/latest"), file, quick)).toBe(sha256);
  server.redirects.set("/image", "/latest");
  await expect(download(url, file, { ...quick, retries: 0 })).rejects.toThrow(/again and again/);
});

test("an unreachable server is said to be that", async () => {
  await server.stop();
  await expect(download(url, file, { ...quick, retries: 0 })).rejects.toThrow(/ECONNREFUSED/);
  await server.start();
});

test("progress goes from where a download resumes to its end", async () => {
  server.cut = { afterBytes: 100_000, times: 1 };
  const starts: (number | undefined)[][] = [];
  let last = 0;
  await download(url, file, {
    ...quick,
    progress: {
      start: (done, total) => starts.push([done, total]),
      update: (done) => {
        last = done;
      },
      stop() {},
    },
  });
  expect(starts).toHaveLength(2);
  expect(starts[0]).toEqual([0, content.length]);
  expect(starts[1]?.[0]).toBeGreaterThan(0);
  expect(starts[1]?.[1]).toBe(content.length);
  expect(last).toBe(content.length);
});
