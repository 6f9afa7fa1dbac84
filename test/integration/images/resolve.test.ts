import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, copyFile, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ImageError } from "../../../images/image.ts";
import { noProgress } from "../../../images/progress.ts";
import { type Published, published, publishedFile } from "../../../images/published.ts";
import { checkImage, resolveImage, type Surroundings } from "../../../images/resolve.ts";
import { ImageServer } from "../helpers/images-server.ts";

const mib = 1 << 20;
const ubuntu = published["ubuntu-24.04"];
const ubuntuFile = (sum: string) => publishedFile(ubuntu, sum);
let disk: Buffer;
let sum: string;

/** A raw disk of 1 MiB that a BIOS would start from. */
beforeAll(() => {
  disk = Buffer.alloc(mib);
  disk.writeUInt16BE(0x55aa, 510);
  sum = createHash("sha256").update(disk).digest("hex");
});

/** Throw-away keys: the folder of gpg's, with a keyring of one of them. */
let keys: string;
let fingerprint: string;
const gpg = (...args: string[]) =>
  execa("gpg", ["--homedir", keys, "--batch", "--quiet", ...args], { encoding: "buffer" });
const sign = async (text: string, by = "Ubuntu"): Promise<Buffer> => {
  await writeFile(join(keys, "text"), text);
  const { stdout } = await gpg(
    "--local-user",
    by,
    "--armor",
    "--output",
    "-",
    "--detach-sign",
    join(keys, "text"),
  );
  return Buffer.from(stdout);
};
const fingerprintOf = async (name: string): Promise<string> => {
  const { stdout } = await gpg("--with-colons", "--fingerprint", name);
  return /^fpr:+([0-9A-F]{40}):/m.exec(Buffer.from(stdout).toString())?.[1] as string;
};

beforeAll(async () => {
  keys = await mkdtemp(join(tmpdir(), "keys-"));
  await chmod(keys, 0o700);
  for (const name of ["Ubuntu", "Somebody"])
    await gpg("--passphrase", "", "--quick-generate-key", name, "ed25519", "sign", "never");
  const { stdout } = await gpg("--export", "Ubuntu");
  await writeFile(join(keys, "keyring.gpg"), stdout);
  fingerprint = await fingerprintOf("Ubuntu");
  serving = await sign(`${sum} *${ubuntu.file}\n`);
});
afterAll(async () => {
  await execa("gpgconf", ["--homedir", keys, "--kill", "all"], { reject: false });
  await rm(keys, { recursive: true });
});

const ubuntuKeys = () => ({ keyring: join(keys, "keyring.gpg"), keyserver: origin, fingerprint });
const keysOf = (around: Surroundings) =>
  around.published["ubuntu-24.04"].keys as NonNullable<Published["keys"]>;

let serving: Buffer;
let server: ImageServer;
let origin: string;
let cache: string;
let log: string[];
let built: string[];
let asked: (readonly string[])[];
let around: Surroundings;

beforeEach(async () => {
  server = new ImageServer();
  origin = await server.start();
  cache = await mkdtemp(join(tmpdir(), "image-cache-"));
  log = [];
  built = [];
  asked = [];
  around = {
    cache,
    published: {
      "ubuntu-24.04": { ...ubuntu, directory: `${origin}/noble`, keys: ubuntuKeys() },
      "ubuntu-26.04": { ...published["ubuntu-26.04"], directory: `${origin}/26.04`, keys: ubuntuKeys() },
      "debian-13": { ...published["debian-13"], directory: `${origin}/trixie` },
    },
    probeTimeoutMs: 2000,
    buildDebian: async (file, programs) => {
      built.push(file);
      asked.push(programs);
      await writeFile(file, disk);
    },
    log: (line) => log.push(line),
    progress: () => noProgress,
  };
});

afterEach(async () => {
  await server.stop();
  await rm(cache, { recursive: true });
});

const kept = async () => (await readdir(cache)).filter((name) => name !== ".lock");

function serveUbuntu() {
  server.files.set("/noble/SHA256SUMS", Buffer.from(`${sum} *${ubuntu.file}\n`));
  server.files.set("/noble/SHA256SUMS.gpg", serving);
  server.files.set(`/noble/${ubuntu.file}`, disk);
}

test("Ubuntu is downloaded once and checked against its SHA256SUMS", async () => {
  serveUbuntu();
  const image = await resolveImage("ubuntu-24.04", undefined, around);
  expect(image).toEqual({
    path: join(cache, ubuntuFile(sum)),
    sha256: sum,
    format: "raw",
    virtualSizeBytes: mib,
    name: "ubuntu-24.04",
    user: "ubuntu",
  });
  await resolveImage("ubuntu-24.04", undefined, around);
  expect(server.requests.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(await kept()).toEqual([ubuntuFile(sum)]);
});

test("another release of Ubuntu is one by its own name, with sums that are signed as well", async () => {
  const { file } = published["ubuntu-26.04"];
  const sums = `${sum} *${file}\n`;
  server.files.set("/26.04/SHA256SUMS", Buffer.from(sums));
  server.files.set(`/26.04/${file}`, disk);
  expect(await checkImage("ubuntu-26.04", undefined, around)).toEqual([
    expect.stringMatching(/^The Ubuntu 26\.04 image cannot be had: .*SHA256SUMS\.gpg answers 404.*debian-12/),
  ]);
  server.files.set("/26.04/SHA256SUMS.gpg", await sign(sums));
  const image = await resolveImage("ubuntu-26.04", undefined, around);
  expect(image).toMatchObject({ name: "ubuntu-26.04", user: "ubuntu", sha256: sum });
  expect(await kept()).toEqual([`ubuntu-26.04-${sum.slice(0, 12)}.img`]);
});

describe("Debian 13", () => {
  const { file } = published["debian-13"];
  const serve = (content: Buffer) => {
    const sha512 = createHash("sha512").update(disk).digest("hex");
    server.files.set(
      "/trixie/SHA512SUMS",
      Buffer.from(`${sha512}  ${file}\n${"0".repeat(128)}  other.qcow2\n`),
    );
    server.files.set(`/trixie/${file}`, content);
    return sha512;
  };

  test("is downloaded once and checked against its SHA512SUMS, which nobody signs", async () => {
    const sha512 = serve(disk);
    const image = await resolveImage("debian-13", undefined, around);
    expect(image).toMatchObject({ name: "debian-13", user: "debian", sha256: sum });
    expect(basename(image.path)).toBe(`debian-13-${sha512.slice(0, 12)}.qcow2`);
    await resolveImage("debian-13", undefined, around);
    expect(server.requests.map(({ status }) => status)).toEqual([200, 200, 200]);
    // Without its server, it is the one from before.
    server.files.clear();
    expect((await resolveImage("debian-13", undefined, around)).path).toBe(image.path);
    // What is no longer what it was is told.
    serve(disk);
    const changed = Buffer.from(disk);
    changed.writeUInt8(1);
    await writeFile(image.path, changed);
    await expect(resolveImage("debian-13", undefined, around)).rejects.toThrow(/has the SHA-512 .*Delete/);
  });

  test("that does not have the sum that it should have is refused and not kept", async () => {
    const sha512 = serve(Buffer.alloc(mib));
    await expect(resolveImage("debian-13", undefined, around)).rejects.toThrow(`expected was ${sha512}`);
    expect(await kept()).toEqual([]);
  });
});

describe("Ubuntu's sums", () => {
  const tries = () =>
    Promise.all(
      ["ubuntu-24.04", "auto"].map((source) =>
        resolveImage(source, undefined, around).then(
          ({ name }) => name,
          (error: Error) => error.message,
        ),
      ),
    );
  const other = () => Buffer.from(`${"1".repeat(64)} *${ubuntu.file}\n`);

  test("that someone changed are refused, and nothing is downloaded or built instead", async () => {
    serveUbuntu();
    server.files.set("/noble/SHA256SUMS", other());
    for (const message of await tries())
      expect(message).toMatch(/SHA256SUMS is not what Ubuntu signed \(gpgv: .*BAD signature.*ubuntu-keyring/);
    expect(await checkImage("ubuntu-24.04", undefined, around)).toEqual([
      expect.stringContaining("not what Ubuntu signed"),
    ]);
    expect([built, await kept()]).toEqual([[], []]);
  });

  test("that somebody else signed, or nobody, are refused likewise", async () => {
    serveUbuntu();
    for (const signature of [await sign(`${sum} *${ubuntu.file}\n`, "Somebody"), Buffer.from("none")]) {
      server.files.set("/noble/SHA256SUMS.gpg", signature);
      for (const message of await tries()) expect(message).toContain("is not what Ubuntu signed (gpgv: ");
    }
    expect([built, await kept()]).toEqual([[], []]);
  });

  test("without a signature are not used: Ubuntu cannot be had then", async () => {
    serveUbuntu();
    server.files.delete("/noble/SHA256SUMS.gpg");
    const [release, auto] = await tries();
    expect(release).toMatch(/cannot be had: .*SHA256SUMS\.gpg answers 404.*debian-12/);
    expect(auto).toBe("debian-12");
  });

  /** A key server answers with whatever it has under that fingerprint. */
  const serveKey = async (name: string) => {
    keysOf(around).keyring = join(keys, "missing.gpg");
    const { stdout } = await gpg("--armor", "--export", name);
    server.files.set(`/pks/lookup?op=get&options=mr&search=0x${fingerprint}`, Buffer.from(stdout));
  };

  test("are checked with Ubuntu's key from a key server where this machine has none", async () => {
    serveUbuntu();
    await serveKey("Ubuntu");
    expect(await tries()).toEqual(["ubuntu-24.04", "ubuntu-24.04"]);
  });

  test("are not what somebody signed whose key a key server gives out as Ubuntu's", async () => {
    serveUbuntu();
    await serveKey("Somebody");
    server.files.set("/noble/SHA256SUMS.gpg", await sign(`${sum} *${ubuntu.file}\n`, "Somebody"));
    const signer = await fingerprintOf("Somebody");
    for (const message of await tries())
      expect(message).toContain(`is not what Ubuntu signed (signed by ${signer})`);
  });

  test("cannot be checked without Ubuntu's keys: no sums are asked for, and the error says where the keys are had", async () => {
    serveUbuntu();
    keysOf(around).keyring = join(keys, "missing.gpg");
    const [release, auto] = await tries();
    expect(release).toMatch(
      /cannot be had: its signature cannot be checked.*missing\.gpg.*apt-get install ubuntu-keyring.*nor to be had from .*404/,
    );
    expect(auto).toBe("debian-12");
    expect(log.join()).toMatch(/debian-12, as Ubuntu's cannot be had: its signature cannot be checked/);
    expect(server.requests.map(({ status }) => status)).toEqual([404, 404]);
    expect(await checkImage("ubuntu-24.04", undefined, around)).toEqual([release]);
  });

  test("are not needed for an image that was downloaded before", async () => {
    serveUbuntu();
    const { path } = await resolveImage("ubuntu-24.04", undefined, around);
    keysOf(around).keyring = join(keys, "missing.gpg");
    for (const source of ["ubuntu-24.04", "auto"])
      expect((await resolveImage(source, undefined, around)).path).toBe(path);
  });
});

test("an Ubuntu image that does not have the sum it should have is refused and not kept", async () => {
  serveUbuntu();
  server.files.set(`/noble/${ubuntu.file}`, Buffer.alloc(mib));
  await expect(resolveImage("ubuntu-24.04", undefined, around)).rejects.toThrow(sum);
  expect(await kept()).toEqual([]);
});

test("Ubuntu from before serves when its server cannot be asked, the newest of them", async () => {
  const [older, newer] = [ubuntuFile("1".repeat(64)), ubuntuFile("2".repeat(64))];
  for (const name of [newer, older]) await writeFile(join(cache, name), disk);
  await utimes(join(cache, older), 1, 1);
  const image = await resolveImage("ubuntu-24.04", undefined, around);
  expect(basename(image.path)).toBe(newer);
  expect(await checkImage("ubuntu-24.04", undefined, around)).toEqual([]);
});

test("Ubuntu that cannot be had is an error that says what else there is", async () => {
  const error = await resolveImage("ubuntu-24.04", undefined, around).catch((error: Error) => error);
  expect(error).toBeInstanceOf(ImageError);
  expect((error as Error).message).toMatch(/SHA256SUMS answers 404.*debian-12/);
  expect(await checkImage("ubuntu-24.04", undefined, around)).toEqual([(error as Error).message]);
});

test("auto takes Ubuntu if it can be had, else builds Debian, and says which and why", async () => {
  const debian = await resolveImage("auto", undefined, around);
  expect(debian).toMatchObject({ name: "debian-12", user: "debian", sha256: sum });
  expect(log[0]).toMatch(/^image: debian-12, as .*404/);
  serveUbuntu();
  expect((await resolveImage("auto", undefined, around)).name).toBe("ubuntu-24.04");
});

test("Debian is built once, also when two ask for it at the same time", async () => {
  const images = await Promise.all([
    resolveImage("debian-12", undefined, around),
    resolveImage("debian-12", undefined, around),
  ]);
  expect(images[0]).toEqual(images[1]);
  expect(built).toEqual([images[0].path]);
  expect(basename(built[0] ?? "")).toMatch(/^debian-12-[0-9a-f]{12}\.qcow2$/);
  expect(await kept()).toEqual([basename(images[0].path)]);
});

test("Debian with programs is an image of its own, which auto is too where they are wanted", async () => {
  serveUbuntu();
  const [plain, mysql, auto] = [
    await resolveImage("debian-12", undefined, around),
    await resolveImage("debian-12", undefined, around, ["mysql"]),
    await resolveImage("auto", undefined, around, ["mysql"]),
  ];
  expect(mysql.path).not.toBe(plain.path);
  expect(auto).toEqual(mysql);
  expect(asked).toEqual([[], ["mysql"]]);
  expect((await resolveImage("ubuntu-24.04", undefined, around, ["mysql"])).name).toBe("ubuntu-24.04");
});

test("a program that no image is built with is refused", async () => {
  await expect(resolveImage("debian-12", undefined, around, ["games"])).rejects.toThrow(
    /"games".*mysql, office/,
  );
  expect(await checkImage("debian-12", undefined, around, ["games"])).toEqual([
    expect.stringContaining('"games"'),
  ]);
});

test("who died while making an image holds nobody up", async () => {
  const lock = join(cache, ".lock");
  const holder = execa("flock", [lock, "sh", "-c", "echo; exec sleep 60"], { buffer: false, detached: true });
  await once(holder.stdout, "data");
  const image = resolveImage("debian-12", undefined, around);
  await setTimeout(50);
  expect(built).toEqual([]);
  process.kill(-(holder.pid as number), "SIGKILL");
  await holder.catch(() => {});
  expect(built).toEqual([(await image).path]);
});

test("a path must lead to a disk image with the right sum", async () => {
  const path = join(cache, "disk.raw");
  await writeFile(path, disk);
  expect(await resolveImage(path, sum, around)).toMatchObject({ path, name: "custom", sha256: sum });
  expect(await checkImage(path, sum, around)).toEqual([]);

  const wrong = "0".repeat(64);
  expect(await checkImage(path, wrong, around)).toEqual([expect.stringMatching(`${path}.*${sum}.*${wrong}`)]);
  await expect(resolveImage(path, wrong, around)).rejects.toThrow(sum);
  expect(await checkImage("/nowhere/x.qcow2", undefined, around)).toEqual([
    "There is no image at /nowhere/x.qcow2.",
  ]);
  expect(await checkImage(cache, undefined, around)).toEqual([`The image ${cache} is not a file.`]);
});

test("what is no whole disk image is refused", async () => {
  const page = join(cache, "page.img");
  await writeFile(page, "<html>not found</html>");
  await expect(resolveImage(page, undefined, around)).rejects.toThrow(/not a disk image that boots/);

  const [base, overlay, other] = ["base.qcow2", "overlay.qcow2", "disk.vmdk"].map((name) =>
    join(cache, name),
  );
  await execa("qemu-img", ["create", "-q", "-f", "qcow2", base as string, "1M"]);
  await execa("qemu-img", [
    "create",
    "-q",
    "-f",
    "qcow2",
    "-F",
    "qcow2",
    "-b",
    base as string,
    overlay as string,
  ]);
  await execa("qemu-img", ["create", "-q", "-f", "vmdk", other as string, "1M"]);
  expect((await resolveImage(base as string, undefined, around)).format).toBe("qcow2");
  await expect(resolveImage(overlay as string, undefined, around)).rejects.toThrow(/only part of a disk/);
  await expect(resolveImage(other as string, undefined, around)).rejects.toThrow(
    /format vmdk.*qemu-img convert/,
  );
});

test("a URL is downloaded into the cache, once, and checked", async () => {
  server.files.set("/my.img", disk);
  const url = `${origin}/my.img`;
  expect(await checkImage(url, sum, around)).toEqual([]);
  const image = await resolveImage(url, sum, around);
  expect(image).toMatchObject({ name: "custom", sha256: sum });
  server.files.clear();
  expect(await resolveImage(url, sum, around)).toEqual(image);
  expect(server.requests.map(({ method }) => method)).toEqual(["HEAD", "GET"]);

  const gone = `${origin}/gone.img`;
  expect(await checkImage(gone, undefined, around)).toEqual([expect.stringMatching(/gone\.img.*404/)]);
  await expect(resolveImage(gone, undefined, around)).rejects.toThrow(/gone\.img.*404/);
});

test("a URL that serves something else than an image leaves nothing that a later run would take", async () => {
  server.files.set("/my.img", Buffer.from("<html>sign in</html>"));
  const url = `${origin}/my.img`;
  await expect(resolveImage(url, undefined, around)).rejects.toThrow(/not a disk image/);
  server.files.set("/my.img", disk);
  expect((await resolveImage(url, undefined, around)).sha256).toBe(sum);
});

test("a cached file that was damaged is found out", async () => {
  serveUbuntu();
  const { path } = await resolveImage("ubuntu-24.04", undefined, around);
  const damaged = join(cache, "damaged");
  await writeFile(damaged, Buffer.concat([disk.subarray(0, mib - 1), Buffer.from("x")]));
  await copyFile(damaged, path);
  await expect(resolveImage("ubuntu-24.04", undefined, around)).rejects.toThrow(/Delete .* downloaded again/);
});
