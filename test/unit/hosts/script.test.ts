import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { parseProbe } from "../../../hosts/facts.ts";
import { providerUri } from "../../../hosts/libvirt-uri.ts";
import { chooseTransport } from "../../../hosts/nfs-transport.ts";
import { hostCommand, hostScript } from "../../../hosts/script.ts";

const target = { name: "h", address: "192.0.2.1", port: 22, user: "root" };

/** Runs a script as sshd would: with the login shell, the script on standard input. */
const run = (script: string, action: "apply" | "remove" = "apply") =>
  spawnSync("sh", ["-c", hostCommand(action, "root")], { input: script, encoding: "utf8" });

test("variables reach a script as they are, whatever characters they hold", () => {
  const value = `it's "$HOME" \`id\` \\ \n second`;
  const script = hostScript({ apply: [] }, { VALUE: value }).replace(
    "\nelse :",
    `\nprintf %s "$VALUE"\nelse :`,
  );
  expect(run(script).stdout).toBe(value);
});

test("a script that fails says where and stops those after it", () => {
  // `packages` misses its variables, which is an error under `set -u`.
  const { status, stderr } = run(hostScript({ apply: ["packages", "nfs-open"] }, { PACKAGES: "" }));
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/_PACKAGES: unbound variable/);
  expect(stderr).not.toMatch(/TRANSPORT/);
});

test("with another action, scripts of that action run", () => {
  const { status, stderr } = run(
    hostScript({ apply: ["nfs-open"], remove: ["packages"] }, { PACKAGES: "" }),
    "remove",
  );
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/_PACKAGES: unbound variable/);
});

test("only another user than root goes through sudo", () => {
  expect(hostCommand("apply", "root")).toBe("env LC_ALL=C ACTION=apply bash --norc -s");
  expect(hostCommand("remove", "me")).toMatch(/^sudo -n env LC_ALL=C ACTION=remove .* bash --norc -s$/);
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
