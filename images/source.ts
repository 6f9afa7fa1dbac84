import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { basename, resolve } from "node:path";
import { isPublished, type PublishedName } from "./published.ts";

/** Where an image comes from: what a stack's `image.source` says, taken apart. */
type ImageSource =
  | { kind: "auto" }
  | { kind: "release"; name: PublishedName }
  | { kind: "build"; name: "debian-12" }
  | { kind: "path"; path: string }
  | { kind: "url"; url: string };

/** Paths are relative to the working directory (the project's, under Pulumi), `~/` is the home directory. */
export function parseSource(source: string): ImageSource {
  if (source === "auto") return { kind: "auto" };
  if (isPublished(source)) return { kind: "release", name: source };
  if (source === "debian-12") return { kind: "build", name: source };
  if (/^https?:\/\//.test(source)) return { kind: "url", url: source };
  return { kind: "path", path: resolve(source.replace(/^~(?=\/)/, homedir())) };
}

/** What `auto` is when programs are wanted in it: Debian, which alone can be built with them. */
export function withPrograms(source: ImageSource, programs: readonly string[]): ImageSource {
  return source.kind === "auto" && programs.length > 0 ? { kind: "build", name: "debian-12" } : source;
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

// Names in the cache. Each says what the file was made from, so that a changed recipe is another file.
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
