import type { SumAlgorithm } from "./cache.ts";
import type { KeySources } from "./signature.ts";

/** An image that its makers publish: where it is, and what vouches for it. */
export interface Published {
  name: PublishedName;
  /** For people. */
  title: string;
  /** The directory with the image and its sums; what is newest of the release is always there. */
  directory: string;
  file: string;
  sums: { file: string; algorithm: SumAlgorithm };
  /** What the sums are signed with, in a file of the same name that ends with .gpg. Absent: they are not, and the server's certificate vouches. */
  keys?: KeySources;
  /** The account that a guest gets. */
  user: string;
}

export const publishedNames = ["ubuntu-24.04", "ubuntu-26.04", "debian-13"] as const;
export type PublishedName = (typeof publishedNames)[number];

/** Canonical's server images of a release. */
const ubuntu = (name: "ubuntu-24.04" | "ubuntu-26.04", version: string): Published => ({
  name,
  title: `Ubuntu ${version}`,
  directory: `https://cloud-images.ubuntu.com/releases/${version}/release`,
  file: `ubuntu-${version}-server-cloudimg-amd64.img`,
  sums: { file: "SHA256SUMS", algorithm: "sha256" },
  /** A file of the package ubuntu-keyring, or "UEC Image Automatic Signing Key <cdimage@ubuntu.com>" of it. */
  keys: {
    keyring: "/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg",
    keyserver: "https://keyserver.ubuntu.com",
    fingerprint: "D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81",
  },
  user: "ubuntu",
});

export const published: Readonly<Record<PublishedName, Published>> = {
  "ubuntu-24.04": ubuntu("ubuntu-24.04", "24.04"),
  "ubuntu-26.04": ubuntu("ubuntu-26.04", "26.04"),
  "debian-13": {
    name: "debian-13",
    title: "Debian 13",
    directory: "https://cloud.debian.org/images/cloud/trixie/latest",
    file: "debian-13-genericcloud-amd64.qcow2",
    sums: { file: "SHA512SUMS", algorithm: "sha512" },
    user: "debian",
  },
};

export const isPublished = (name: string): name is PublishedName =>
  (publishedNames as readonly string[]).includes(name);

// Names in the cache. Each says what the file was made from, so that a changed sum is another file.
const ending = ({ file }: Published) => file.slice(file.lastIndexOf("."));
export const publishedFile = (image: Published, sum: string) =>
  `${image.name}-${sum.slice(0, 12)}${ending(image)}`;
export const isPublishedFile = (image: Published, file: string) =>
  file.startsWith(`${image.name}-`) &&
  file.endsWith(ending(image)) &&
  /^[0-9a-f]{12}$/.test(file.slice(image.name.length + 1, -ending(image).length));

/** The sum of one file in a file of sums, as sha256sum and its kin write them. */
export function sumOf(file: string, sums: string, algorithm: SumAlgorithm = "sha256"): string | undefined {
  const digits = algorithm === "sha256" ? 64 : 128;
  for (const line of sums.split("\n")) {
    const match = /^([0-9a-f]+) [ *](.+)$/.exec(line.trim());
    if (match?.[2] === file && match[1]?.length === digits) return match[1];
  }
  return undefined;
}
