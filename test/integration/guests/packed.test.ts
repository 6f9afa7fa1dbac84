import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { packed } from "../../../guests/packed.ts";

// As cloud-init reads it (cloudinit/user_data.py).
const unpack = `import email, gzip, sys
part = email.message_from_string(sys.stdin.read())
assert part["MIME-Version"] == "1.0" and part.get_content_type() == "application/gzip"
sys.stdout.buffer.write(gzip.decompress(part.get_payload(decode=True)))`;

test("what is long is a part that cloud-init unpacks, and shorter", () => {
  const text = `#cloud-config\n${"runcmd: [[echo, größer]]\n".repeat(200)}`;
  const part = packed(text);
  expect(part.length).toBeLessThan(text.length / 5);
  expect(execFileSync("python3", ["-c", unpack], { input: part, encoding: "utf8" })).toBe(text);
});

test("what would not get shorter stays as it is", () => {
  expect(packed("#cloud-config\nhostname: vm1\n")).toBe("#cloud-config\nhostname: vm1\n");
});

test("the same text is the same part", () => {
  const text = "#cloud-config\n".repeat(100);
  expect(packed(text)).toBe(packed(text));
});
