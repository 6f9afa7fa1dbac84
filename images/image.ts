import type { SumAlgorithm } from "./cache.ts";

/** A disk image on this machine that guests' disks can lie over. */
export interface Image {
  /** Absolute. */
  path: string;
  /** Of the file, 64 hexadecimal digits. */
  sha256: string;
  format: "qcow2" | "raw";
  virtualSizeBytes: number;
  /** What it is: the name of a source (`ubuntu-24.04`, `debian-12`), or `custom` for a path or URL. */
  name: string;
  /** The account that a guest of it gets when none is asked for. */
  user: string;
}

/** An image that cannot be had. The message says what was tried, what happened and what to do. */
export class ImageError extends Error {
  override name = "ImageError";
}

/** What a file must have. */
export interface Sum {
  algorithm: SumAlgorithm;
  /** Hexadecimal. */
  hex: string;
}

export function checkSum(found: string, expected: Sum | undefined, what: string, remedy: string): void {
  if (expected === undefined || found === expected.hex.toLowerCase()) return;
  const name = expected.algorithm.replace("sha", "SHA-");
  throw new ImageError(
    `${what} has the ${name} ${found}, expected was ${expected.hex.toLowerCase()}. ${remedy}`,
  );
}
