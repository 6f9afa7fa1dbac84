import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { imageCache, sumFile, withLock } from "./cache.ts";
import { buildDebian, debianRecipeHash, missingBuildPackages } from "./debian.ts";
import { download } from "./download.ts";
import { fetchFile, reason, request, status } from "./http.ts";
import { checkSum, type Image, ImageError, type Sum } from "./image.ts";
import { inspectImage } from "./inspect.ts";
import { type DownloadProgress, downloadProgress } from "./progress.ts";
import {
  isPublished,
  isPublishedFile,
  type Published,
  type PublishedName,
  published,
  publishedFile,
  sumOf,
} from "./published.ts";
import { checkSignature, findKeys } from "./signature.ts";
import { chooseAuto, debianFile, parseSource, urlFile, withPrograms } from "./source.ts";

/** What resolving an image has to do with the world. */
export interface Surroundings {
  cache: string;
  /** Images that their makers publish, and where. */
  published: Readonly<Record<PublishedName, Published>>;
  /** How long its server gets to answer before `auto` goes on without it. */
  probeTimeoutMs: number;
  buildDebian: (file: string, programs: readonly string[]) => Promise<void>;
  log: (line: string) => void;
  progress: (what: string) => DownloadProgress;
}

export function surroundings(): Surroundings {
  return {
    cache: imageCache(),
    published,
    probeTimeoutMs: 8000,
    buildDebian,
    log: (line) => process.stderr.write(`${line}\n`),
    progress: downloadProgress,
  };
}

/**
 * Brings an image to this machine: looks it up, downloads or builds it, whatever is needed, and checks it.
 *
 * @param source `auto`, a name (`ubuntu-24.04`, `debian-12`), a path or a URL
 * @param sha256 the sum the file must have; named images have their own
 * @param programs what it is to be built with, by the names of images/programs.ts. Only what is built here can have some: then that is
 *   what `auto` is, and other images are taken as they are
 * @throws ImageError
 */
export async function resolveImage(
  source: string,
  sha256?: string,
  around: Surroundings = surroundings(),
  programs: readonly string[] = [],
): Promise<Image> {
  await mkdir(around.cache, { recursive: true });
  const wanted = withPrograms(parseSource(source), programs);
  switch (wanted.kind) {
    case "path":
      return await describe(
        wanted.path,
        "custom",
        sha256Of(sha256),
        "Is it the right file? Then correct image.sha256.",
      );
    case "url": {
      const path = join(around.cache, urlFile(wanted.url, sha256));
      await cached(path, around, async () => {
        await fetchUrl(wanted.url, path, sha256Of(sha256), around);
        // A sign-in page, for example, must not be in the cache next time.
        await inspectImage(path).catch(async (error) => {
          await rm(path);
          throw error;
        });
      });
      return await describe(path, "custom");
    }
    case "build":
      return await debian(around, programs);
    case "release":
      return await release(around.published[wanted.name], around);
    case "auto": {
      const ubuntu = around.published["ubuntu-24.04"];
      const sum = await publishedSum(ubuntu, around);
      const choice = chooseAuto({
        cached: (await fromBefore(ubuntu, around)) !== undefined,
        unreachable: "unreachable" in sum ? sum.unreachable : undefined,
      });
      around.log(`image: ${choice.name}, as ${choice.because}`);
      return choice.name === "ubuntu-24.04" ? await release(ubuntu, around, sum) : await debian(around);
    }
  }
}

/**
 * What would keep an image from being had, found without downloading or building anything.
 *
 * @returns problems, each with what to do; none: it can be had, as far as one can tell
 */
export async function checkImage(
  source: string,
  sha256?: string,
  around: Surroundings = surroundings(),
  programs: readonly string[] = [],
): Promise<string[]> {
  const wanted = withPrograms(parseSource(source), programs);
  try {
    if (wanted.kind === "path") {
      await describe(
        wanted.path,
        "custom",
        sha256Of(sha256),
        "Is it the right file? Then correct image.sha256.",
      );
    } else if (wanted.kind === "url" && !(await exists(join(around.cache, urlFile(wanted.url, sha256))))) {
      const signal = AbortSignal.timeout(around.probeTimeoutMs);
      const response = await request(wanted.url, { method: "HEAD", signal }).catch((error) => {
        throw new ImageError(`The image at ${wanted.url} cannot be reached: ${reason(error)}.`);
      });
      response.destroy();
      if (response.statusCode !== 200)
        throw new ImageError(`For the image at ${wanted.url} the server answers ${status(response)}.`);
    } else if (wanted.kind === "release") {
      const image = around.published[wanted.name];
      const sum = await publishedSum(image, around);
      if ("unreachable" in sum && !(await fromBefore(image, around))) throw notHad(image, sum.unreachable);
    } else if (wanted.kind === "build" && !(await exists(await debianPath(around, programs)))) {
      const missing = await missingBuildPackages();
      if (missing.length > 0)
        throw new ImageError(
          `Building the Debian 12 image needs packages: apt-get install ${missing.join(" ")}`,
        );
    }
  } catch (error) {
    if (error instanceof ImageError) return [error.message];
    throw error;
  }
  return [];
}

type PublishedSum = Sum | { unreachable: string };

/** @throws ImageError when the sums are not what their makers signed: nothing else is tried then */
async function publishedSum(
  { directory, file, sums, keys: from }: Published,
  around: Surroundings,
): Promise<PublishedSum> {
  const url = `${directory}/${sums.file}`;
  const keys = from && (await findKeys(from, around.probeTimeoutMs));
  if (typeof keys === "string") return { unreachable: keys };
  let files: Buffer[];
  try {
    const wanted = keys ? [url, `${url}.gpg`] : [url];
    files = await Promise.all(wanted.map((each) => fetchFile(each, around.probeTimeoutMs)));
  } catch (error) {
    return { unreachable: `${url}: ${reason(error)}` };
  }
  const [text, signature] = files as [Buffer, Buffer];
  if (keys) await checkSignature(url, text, signature, keys);
  const hex = sumOf(file, text.toString(), sums.algorithm);
  return hex ? { algorithm: sums.algorithm, hex } : { unreachable: `${url} does not name ${file}` };
}

async function release(image: Published, around: Surroundings, known?: PublishedSum): Promise<Image> {
  const sum = known ?? (await publishedSum(image, around));
  if ("unreachable" in sum) {
    const path = await fromBefore(image, around);
    if (!path) throw notHad(image, sum.unreachable);
    around.log(`image: a newer one cannot be had (${sum.unreachable}): taking ${path} from before`);
    return await describe(path, image.name);
  }
  const path = join(around.cache, publishedFile(image, sum.hex));
  await cached(path, around, () => fetchUrl(`${image.directory}/${image.file}`, path, sum, around));
  return await describe(path, image.name, sum, `Delete ${path}: it is then downloaded again.`);
}

const notHad = ({ title }: Published, why: string): ImageError =>
  new ImageError(
    `The ${title} image cannot be had: ${why}. Take image.source: debian-12, which is built on this machine, or a path, or a URL with its image.sha256.`,
  );

/** The newest that was downloaded. */
async function fromBefore(image: Published, around: Surroundings): Promise<string | undefined> {
  const names = (await readdir(around.cache).catch(() => [])).filter((name) => isPublishedFile(image, name));
  const aged = await Promise.all(
    names.map(async (name) => ({ name, mtimeMs: (await stat(join(around.cache, name))).mtimeMs })),
  );
  const newest = aged.sort((a, b) => b.mtimeMs - a.mtimeMs)[0];
  return newest && join(around.cache, newest.name);
}

async function debian(around: Surroundings, programs: readonly string[] = []): Promise<Image> {
  const path = await debianPath(around, programs);
  await cached(path, around, async () => {
    const and = programs.length > 0 ? ` with ${programs.join(" and ")}` : "";
    around.log(`image: building Debian 12${and} from packages, once: some minutes`);
    await around.buildDebian(path, programs);
  });
  return await describe(path, "debian-12");
}

async function debianPath(around: Surroundings, programs: readonly string[]): Promise<string> {
  return join(around.cache, debianFile(await debianRecipeHash(programs), programs));
}

async function fetchUrl(
  url: string,
  path: string,
  sum: Sum | undefined,
  around: Surroundings,
): Promise<void> {
  around.log(`image: downloading ${url}`);
  await download(url, path, {
    ...(sum && { sum }),
    progress: around.progress("image"),
    onRetry: (why) => around.log(`image: ${why}`),
  });
}

/** Makes a file of the cache if it is not there; one process at a time. */
async function cached(path: string, around: Surroundings, make: () => Promise<void>): Promise<void> {
  if (await exists(path)) return;
  await withLock(
    around.cache,
    async () => {
      if (!(await exists(path))) await make();
    },
    () => around.log(`image: another process is at work in ${around.cache}: waiting for it`),
  );
}

async function describe(path: string, name: string, sum?: Sum, remedy = ""): Promise<Image> {
  const looks = await inspectImage(path);
  const sha256 = await sumFile(path);
  const found = sum?.algorithm === "sha512" ? await sumFile(path, "sha512") : sha256;
  checkSum(found, sum, `The image ${path}`, remedy);
  return { path, sha256, ...looks, name, user: userOf(name) };
}

const sha256Of = (hex?: string): Sum | undefined =>
  hex === undefined ? undefined : { algorithm: "sha256", hex };

function userOf(name: string): string {
  return isPublished(name) ? published[name].user : name === "debian-12" ? "debian" : "testbed";
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
