import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, readdir, readFile, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { ImageError } from "./image.ts";
import { packagesFor } from "./programs.ts";

const script = fileURLToPath(new URL("./debian-12.sh", import.meta.url));
const files = fileURLToPath(new URL("./debian-12", import.meta.url));

/** A hash of all that makes the Debian image with some programs: another recipe is another image. */
export async function debianRecipeHash(programs: readonly string[] = []): Promise<string> {
  const hash = createHash("sha256");
  const add = (name: string, content: string | Buffer) =>
    hash.update(`${name} ${content.length}\n`).update(content);
  add("debian-12.sh", await readFile(script));
  for (const name of packagesFor(programs)) add("package", name);
  const entries = await readdir(files, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const path of paths.sort()) {
    const executable = ((await stat(path)).mode & constants.S_IXUSR) !== 0;
    add(`${path.slice(files.length)}${executable ? " x" : ""}`, await readFile(path));
  }
  return hash.digest("hex");
}

/** Debian's and Ubuntu's packages that bring the tools of the build. */
const tools: Record<string, string> = {
  mmdebstrap: "mmdebstrap",
  mke2fs: "e2fsprogs",
  "mkfs.fat": "dosfstools",
  mcopy: "mtools",
  syslinux: "syslinux",
  sfdisk: "fdisk",
  "qemu-img": "qemu-utils",
};

/** Packages that have to be installed before the image can be built; none: it can. */
export async function missingBuildPackages(): Promise<string[]> {
  const missing: string[] = [];
  for (const [tool, name] of Object.entries(tools)) if (!(await onPath(tool))) missing.push(name);
  return missing;
}

// The tools for file systems are in sbin, which is not on everyone's PATH.
const buildPath = `${process.env.PATH ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`;

async function onPath(tool: string): Promise<boolean> {
  for (const directory of buildPath.split(delimiter)) {
    try {
      await access(join(directory, tool), constants.X_OK);
      return true;
    } catch {}
  }
  return false;
}

/** Builds the Debian image with some programs into a file, as root or through sudo. Its progress goes to stderr. */
export async function buildDebian(file: string, programs: readonly string[] = []): Promise<void> {
  const missing = await missingBuildPackages();
  if (missing.length > 0)
    throw new ImageError(
      `Building the Debian 12 image needs packages. Install them: apt-get install ${missing.join(" ")}`,
    );
  const command = ["bash", script, file, ...packagesFor(programs)];
  const [program = "", ...args] = process.getuid?.() === 0 ? command : ["sudo", "-n", ...command];
  const result = await execa(program, args, {
    stdin: "ignore",
    stdout: "ignore",
    stderr: ["inherit", "pipe"],
    env: { PATH: buildPath },
    reject: false,
  });
  if (result.failed)
    throw new ImageError(
      `Building the Debian 12 image failed: ${lastLine(result.stderr) || result.shortMessage}`,
    );
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
