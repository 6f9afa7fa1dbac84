import { open, stat } from "node:fs/promises";
import { execa } from "execa";
import { type Image, ImageError } from "./image.ts";

/** Looks at a disk image with qemu-img; refuses what a guest could not boot from or a pool could not hold. */
export async function inspectImage(path: string): Promise<Pick<Image, "format" | "virtualSizeBytes">> {
  const file = await stat(path).catch(() => undefined);
  if (!file) throw new ImageError(`There is no image at ${path}.`);
  if (!file.isFile()) throw new ImageError(`The image ${path} is not a file.`);

  const result = await execa("qemu-img", ["info", "--output=json", path], { reject: false });
  if (result.code === "ENOENT")
    throw new ImageError(`Looking at ${path} needs qemu-img: install the package qemu-utils.`);
  if (result.exitCode !== 0) throw new ImageError(`qemu-img cannot read ${path}: ${result.stderr}`);
  const info = JSON.parse(result.stdout) as QemuImgInfo;

  if (info.format !== "qcow2" && info.format !== "raw")
    throw new ImageError(
      `The image ${path} is in the format ${info.format}. Convert it: qemu-img convert -O qcow2 ${path} image.qcow2`,
    );
  const elsewhere = info["backing-filename"] ?? info["format-specific"]?.data?.["data-file"];
  if (elsewhere)
    throw new ImageError(
      `The image ${path} is only part of a disk, the rest is in ${elsewhere}. Make it whole: qemu-img convert -O qcow2 ${path} image.qcow2`,
    );
  // qemu-img takes whatever it does not know for a raw disk, an error page too.
  if (info.format === "raw" && !(await hasBootSector(path)))
    throw new ImageError(
      `${path} is not a disk image that boots: it is neither qcow2 nor a raw disk with a boot sector. If it is compressed or an archive, unpack it first.`,
    );
  return { format: info.format, virtualSizeBytes: info["virtual-size"] };
}

interface QemuImgInfo {
  format: string;
  "virtual-size": number;
  "backing-filename"?: string;
  "format-specific"?: { data?: { "data-file"?: string } };
}

/** An MBR, or the protective one of a GPT, ends in 55 AA. */
async function hasBootSector(path: string): Promise<boolean> {
  const handle = await open(path, "r");
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 510);
    return bytesRead === 2 && buffer.readUInt16BE() === 0x55aa;
  } finally {
    await handle.close();
  }
}
