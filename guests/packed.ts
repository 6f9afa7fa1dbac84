import { gzipSync } from "node:zlib";

/**
 * The same user data for cloud-init in fewer bytes, if there are: a stack's state has it twice, and most of it are a workload's programs. In
 * a guest `/var/lib/cloud/instance/user-data.txt.i` has it as it was.
 *
 * cloud-init: a MIME part of the type application/gzip is unpacked, and taken for what it then is
 * (https://docs.cloud-init.io/en/latest/explanation/format.html).
 */
export function packed(userData: string): string {
  const lines =
    gzipSync(userData, { level: 9 })
      .toString("base64")
      .match(/.{1,76}/g) ?? [];
  const part = [
    "MIME-Version: 1.0",
    "Content-Type: application/gzip",
    "Content-Transfer-Encoding: base64",
    "",
    ...lines,
    "",
  ].join("\n");
  return part.length < userData.length ? part : userData;
}
