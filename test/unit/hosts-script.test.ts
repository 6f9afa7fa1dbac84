import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { parseProbe } from "../../hosts/facts.ts";
import { providerUri } from "../../hosts/libvirt-uri.ts";
import { chooseTransport } from "../../hosts/nfs-transport.ts";
import { scriptCommand } from "../../hosts/script.ts";

const target = { name: "h", address: "192.0.2.1", port: 22, user: "root" };

/** Runs a command line as sshd would: with the login shell. */
const shell = (command: string) => execFileSync("sh", ["-c", command], { encoding: "utf8" });

test("variables reach a script as they are, whatever characters they hold", () => {
  const command = scriptCommand([], { VALUE: `it's "$HOME" \`id\` \\ \n second` }, "root");
  const printed = shell(command.replace(/'$/, `\nprintf %s "$VALUE"'`));
  expect(printed).toBe(`it's "$HOME" \`id\` \\ \n second`);
});

test("a failing script stops those after it, and says where it failed", () => {
  // in_container is lib.sh's own; an unknown variable is an error under `set -u`.
  const command = scriptCommand(["packages", "nfs-open"], { PACKAGES: "" }, "root");
  expect(() => execFileSync("sh", ["-c", command], { stdio: "pipe" })).toThrow(/PACKAGES/);
});

test("only another user than root goes through sudo", () => {
  expect(scriptCommand(["probe"], {}, "root")).toMatch(/^bash -c /);
  expect(scriptCommand(["probe"], {}, "me")).toMatch(/^sudo -n /);
});

test("the provider's URI names key and known hosts as terraform-provider-libvirt does", () => {
  expect(providerUri(target)).toBe("qemu+ssh://root@192.0.2.1:22/system");
  expect(
    providerUri({ ...target, port: 2222, privateKeyFile: ".testbed/s/id", knownHostsFile: "~/known hosts" }),
  ).toBe(
    "qemu+ssh://root@192.0.2.1:2222/system?sshauth=privkey&keyfile=.testbed/s/id&knownhosts=~/known%20hosts",
  );
});

const can = { name: "a", kernelNfs: true, nfs: "usable" };
const cannot = { name: "b", kernelNfs: false, nfs: "No such device" };

test("auto takes the kernel's client only if every host has it", () => {
  expect(chooseTransport("auto", [can, can])).toBe("kernel");
  expect(chooseTransport("auto", [can, cannot])).toBe("userspace");
});

test("userspace can always be had; kernel is refused with each host's reason", () => {
  expect(chooseTransport("userspace", [can, can])).toBe("userspace");
  expect(chooseTransport("kernel", [can])).toBe("kernel");
  expect(() => chooseTransport("kernel", [can, cannot])).toThrow("b: No such device");
});

test("a probe's line without a figure that is needed is refused", () => {
  expect(() => parseProbe('{"accelerator":"kvm"}')).toThrow(/memoryMiB/);
});
