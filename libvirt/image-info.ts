/** What `qemu-img info --output=json` says of an image. */
interface ImageInfo {
  /** As the guest sees it. */
  virtualBytes: number;
}

export function parseImageInfo(printed: string): ImageInfo {
  const { "virtual-size": virtualBytes } = JSON.parse(printed) as { "virtual-size"?: unknown };
  if (typeof virtualBytes !== "number") throw new Error(`qemu-img says no size of an image: ${printed}`);
  return { virtualBytes };
}
