import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parseProbe } from "../../../hosts/facts.ts";
import { providerUri } from "../../../hosts/libvirt-uri.ts";
import { chooseTransport } from "../../../hosts/nfs-transport.ts";
import { type HostWork, hostCommand, hostScript } from "../../../hosts/script.ts";
import { installScripts } from "../helpers/host-scripts.ts";

const target = { name: "h", address: "192.0.2.1", port: 22, user: "root" };

const folder = mkdtempSync(join(tmpdir(), "scripts-"));
const installed = installScripts(join(folder, "scripts"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs scripts as sshd would: with the login shell, what is to be run on standard input. */
const run = (
  work: HostWork,
  variables: Record<string, string>,
  action: "apply" | "remove" = "apply",
  scripts = installed,
) =>
  spawnSync("sh", ["-c", hostCommand(action, "root")], {
    input: hostScript(work, variables, scripts),
    encoding: "utf8",
  });

test("variables reach a script as they are, whatever characters they hold", () => {
  const value = `it's "$HOME" \`id\` \\ \n second`;
  const said = run({ apply: ["claim"] }, { CLAIM: join(folder, "claim"), TESTBED: value });
  expect(said.stderr).toBe("");
  expect(readFileSync(join(folder, "claim"), "utf8")).toBe(`${value}\n`);
});

test("a script that fails says which and where, and stops those after it", () => {
  // `packages` misses its variables, which is an error under `set -u`.
  const { status, stderr } = run({ apply: ["packages", "nfs-open"] }, { NEEDS: "" });
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/_NEEDS: unbound variable/);
  expect(stderr).not.toMatch(/TRANSPORT/);
  const unanswered = run({ apply: ["pool-define"] }, { TRANSPORT: "kernel", POOL: "p", EXPORT: "/none" });
  expect(unanswered.status).not.toBe(0);
  expect(unanswered.stderr).toMatch(/: pool-define: exit code \d+ from: /);
});

test("with another action, scripts of that action run", () => {
  const { status, stderr } = run({ apply: ["nfs-open"], remove: ["packages"] }, { NEEDS: "" }, "remove");
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/_NEEDS: unbound variable/);
});

test("where the scripts are gone, preparing says what puts them there, and there is nothing to take back", () => {
  const gone = join(folder, "gone");
  const apply = run({ apply: ["packages"] }, {}, "apply", gone);
  expect(apply.status).toBe(1);
  expect(apply.stderr).toMatch(/gone\/lib-.* is gone: somebody removed it\. pulumi up --replace/);
  expect(run({ apply: [], remove: ["packages"] }, {}, "remove", gone).status).toBe(0);
});

test("what the state holds names scripts and their versions, and is short", () => {
  const text = hostScript({ apply: ["packages", "libvirtd"], remove: ["libvirtd"] }, { LOGIN: "root" });
  expect(text.length).toBeLessThan(700);
  expect(text).toMatch(/each packages-[0-9a-f]{12}\.sh libvirtd-[0-9a-f]{12}\.sh; else each libvirtd-/);
});

test("only another user than root goes through sudo", () => {
  expect(hostCommand("apply", "root")).toBe("env LC_ALL=C ACTION=apply bash --norc -s");
  expect(hostCommand("remove", "me")).toMatch(/^sudo -n env LC_ALL=C ACTION=remove .* bash --norc -s$/);
});

test("the provider's URI names key and known hosts as terraform-provider-libvirt does", () => {
  expect(providerUri(target)).toBe("qemu+ssh://root@192.0.2.1:22/system");
  const jump = { address: "192.0.2.9", port: 22, privateKeyFile: "other" };
  expect(providerUri({ ...target, privateKeyFile: "own", jump })).toBe(
    "qemu+ssh://root@192.0.2.1:22/system?sshauth=privkey",
  );
  expect(providerUri({ ...target, address: "store", libvirtName: "192.0.2.1" })).toBe(
    "qemu+ssh://root@192.0.2.1:22/system",
  );
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
