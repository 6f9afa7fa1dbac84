import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { imageCache, sha256File, withLock } from "./cache.ts";
import { buildDebian, debianRecipeHash, missingBuildPackages } from "./debian.ts";
import { download } from "./download.ts";
import { fetchFile, reason, request, status } from "./http.ts";
import { checkSum, type Image, ImageError } from "./image.ts";
import { inspectImage } from "./inspect.ts";
import { type DownloadProgress, downloadProgress } from "./progress.ts";
import { checkSignature, findKeys, type KeySources } from "./signature.ts";
import {
  chooseAuto,
  debianFile,
  isUbuntuFile,
  parseSource,
  sumOf,
  ubuntuFile,
  ubuntuRelease,
  urlFile,
  withPrograms,
} from "./source.ts";

/** What resolving an image has to do with the world. */
export interface Surroundings {
  cache: string;
  /** The directory with Ubuntu's images, SHA256SUMS and its signature. */
  ubuntuDirectory: string;
  ubuntuKeys: KeySources;
  /** How long its server gets to answer before `auto` goes on without it. */
  probeTimeoutMs: number;
  buildDebian: (file: string, programs: readonly string[]) => Promise<void>;
  log: (line: string) => void;
  progress: (what: string) => DownloadProgress;
}

export function surroundings(): Surroundings {
  return {
    cache: imageCache(),
    ubuntuDirectory: ubuntuRelease.directory,
    ubuntuKeys: ubuntuRelease.keys,
    probeTimeoutMs: 8000,
    buildDebian,
    log: (line) => process.stderr.write(`${line}\n`),
    progress: downloadProgress,
  };
}

/**
 * Brings an image to this machine: looks it up, downloads or builds it, whatever is needed, and checks it.
 *
 * @param source `auto`, `ubuntu-24.04`, `debian-12`, a path or a URL
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
        sha256,
        "Is it the right file? Then correct image.sha256.",
      );
    case "url": {
      const path = join(around.cache, urlFile(wanted.url, sha256));
      await cached(path, around, async () => {
        await fetchUrl(wanted.url, path, sha256, around);
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
      return await ubuntu(await ubuntuSum(around), around);
    case "auto": {
      const sum = await ubuntuSum(around);
      const choice = chooseAuto({
        cached: (await cachedUbuntu(around)) !== undefined,
        unreachable: "unreachable" in sum ? sum.unreachable : undefined,
      });
      around.log(`image: ${choice.name}, as ${choice.because}`);
      return choice.name === "ubuntu-24.04" ? await ubuntu(sum, around) : await debian(around);
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
      await describe(wanted.path, "custom", sha256, "Is it the right file? Then correct image.sha256.");
    } else if (wanted.kind === "url" && !(await exists(join(around.cache, urlFile(wanted.url, sha256))))) {
      const signal = AbortSignal.timeout(around.probeTimeoutMs);
      const response = await request(wanted.url, { method: "HEAD", signal }).catch((error) => {
        throw new ImageError(`The image at ${wanted.url} cannot be reached: ${reason(error)}.`);
      });
      response.destroy();
      if (response.statusCode !== 200)
        throw new ImageError(`For the image at ${wanted.url} the server answers ${status(response)}.`);
    } else if (wanted.kind === "release") {
      const sum = await ubuntuSum(around);
      if ("unreachable" in sum && !(await cachedUbuntu(around))) throw unreachableUbuntu(sum.unreachable);
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

type UbuntuSum = { sha256: string } | { unreachable: string };

/** @throws ImageError when the sums are not what Ubuntu signed: nothing else is tried then */
async function ubuntuSum(around: Surroundings): Promise<UbuntuSum> {
  const url = `${around.ubuntuDirectory}/SHA256SUMS`;
  const keys = await findKeys(around.ubuntuKeys, around.probeTimeoutMs);
  if (typeof keys === "string") return { unreachable: keys };
  let files: Buffer[];
  try {
    files = await Promise.all([url, `${url}.gpg`].map((each) => fetchFile(each, around.probeTimeoutMs)));
  } catch (error) {
    return { unreachable: `${url}: ${reason(error)}` };
  }
  const [sums, signature] = files as [Buffer, Buffer];
  await checkSignature(url, sums, signature, keys);
  const sha256 = sumOf(ubuntuRelease.file, sums.toString());
  return sha256 ? { sha256 } : { unreachable: `${url} does not name ${ubuntuRelease.file}` };
}

async function ubuntu(sum: UbuntuSum, around: Surroundings): Promise<Image> {
  if ("unreachable" in sum) {
    const path = await cachedUbuntu(around);
    if (!path) throw unreachableUbuntu(sum.unreachable);
    around.log(`image: a newer one cannot be had (${sum.unreachable}): taking ${path} from before`);
    return await describe(path, ubuntuRelease.name);
  }
  const path = join(around.cache, ubuntuFile(sum.sha256));
  const url = `${around.ubuntuDirectory}/${ubuntuRelease.file}`;
  await cached(path, around, () => fetchUrl(url, path, sum.sha256, around));
  return await describe(path, ubuntuRelease.name, sum.sha256, `Delete ${path}: it is then downloaded again.`);
}

function unreachableUbuntu(why: string): ImageError {
  return new ImageError(
    `The Ubuntu 24.04 image cannot be had: ${why}. Take image.source: debian-12, which is built on this machine, or a path, or a URL with its image.sha256.`,
  );
}

async function cachedUbuntu(around: Surroundings): Promise<string | undefined> {
  const names = (await readdir(around.cache).catch(() => [])).filter(isUbuntuFile);
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
  sha256: string | undefined,
  around: Surroundings,
): Promise<void> {
  around.log(`image: downloading ${url}`);
  await download(url, path, {
    sha256,
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

async function describe(path: string, name: string, sha256?: string, remedy = ""): Promise<Image> {
  const looks = await inspectImage(path);
  const found = await sha256File(path);
  checkSum(found, sha256, `The image ${path}`, remedy);
  return { path, sha256: found, ...looks, name, user: userOf(name) };
}

function userOf(name: string): string {
  return name === "ubuntu-24.04" ? "ubuntu" : name === "debian-12" ? "debian" : "testbed";
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
