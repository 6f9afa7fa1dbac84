import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { basename, resolve } from "node:path";

/** Where an image comes from: what a stack's `image.source` says, taken apart. */
export type ImageSource =
  | { kind: "auto" }
  | { kind: "release"; name: "ubuntu-24.04" }
  | { kind: "build"; name: "debian-12" }
  | { kind: "path"; path: string }
  | { kind: "url"; url: string };

/** Paths are relative to the working directory (the project's, under Pulumi), `~/` is the home directory. */
export function parseSource(source: string): ImageSource {
  if (source === "auto") return { kind: "auto" };
  if (source === "ubuntu-24.04") return { kind: "release", name: source };
  if (source === "debian-12") return { kind: "build", name: source };
  if (/^https?:\/\//.test(source)) return { kind: "url", url: source };
  return { kind: "path", path: resolve(source.replace(/^~(?=\/)/, homedir())) };
}

/** What `auto` is when programs are wanted in it: Debian, which alone can be built with them. */
export function withPrograms(source: ImageSource, programs: readonly string[]): ImageSource {
  return source.kind === "auto" && programs.length > 0 ? { kind: "build", name: "debian-12" } : source;
}

/** Canonical's directory with the release's server images and their checksums. */
export const ubuntuRelease = {
  name: "ubuntu-24.04",
  directory: "https://cloud-images.ubuntu.com/releases/24.04/release",
  file: "ubuntu-24.04-server-cloudimg-amd64.img",
  /** What the checksums are signed with: a file of the package ubuntu-keyring, or "UEC Image Automatic Signing Key <cdimage@ubuntu.com>" of it. */
  keys: {
    keyring: "/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg",
    keyserver: "https://keyserver.ubuntu.com",
    fingerprint: "D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81",
  },
} as const;

/** The sum of one file in a SHA256SUMS file, as sha256sum writes them. */
export function sumOf(file: string, sums: string): string | undefined {
  for (const line of sums.split("\n")) {
    const match = /^([0-9a-f]{64}) [ *](.+)$/.exec(line.trim());
    if (match?.[2] === file) return match[1];
  }
  return undefined;
}

/** `auto`: Ubuntu where it can be had, otherwise the Debian image that is built on this machine. */
export function chooseAuto(ubuntu: { cached: boolean; unreachable?: string }): {
  name: "ubuntu-24.04" | "debian-12";
  because: string;
} {
  if (ubuntu.unreachable === undefined) return { name: "ubuntu-24.04", because: "its server answers" };
  if (ubuntu.cached)
    return { name: "ubuntu-24.04", because: `it was downloaded before; ${ubuntu.unreachable}` };
  return { name: "debian-12", because: `Ubuntu's cannot be had: ${ubuntu.unreachable}` };
}

// Names in the cache. Each says what the file was made from, so that a changed recipe or sum is another file.
export const ubuntuFile = (sha256: string) => `${ubuntuRelease.name}-${sha256.slice(0, 12)}.img`;
export const isUbuntuFile = (name: string) => /^ubuntu-24\.04-[0-9a-f]{12}\.img$/.test(name);
export const debianFile = (recipeHash: string, programs: readonly string[] = []) =>
  `${["debian-12", ...programs, recipeHash.slice(0, 12)].join("-")}.qcow2`;
/** The programs that an image of this name was built with; none, for any that was not built here. */
export function programsIn(file: string): string[] {
  const [, words = ""] = /^debian-12((?:-[a-z]+)*)-[0-9a-f]{12}\.qcow2$/.exec(file) ?? [];
  return words.split("-").filter(Boolean);
}
export function urlFile(url: string, sha256?: string): string {
  const hash = createHash("sha256")
    .update(`${url}\n${sha256?.toLowerCase() ?? ""}`)
    .digest("hex");
  const name = basename(new URL(url).pathname).replace(/[^\w.-]/g, "_") || "image";
  return `url-${hash.slice(0, 12)}-${name}`;
}
