import { execFileSync } from "node:child_process";
import { homedir } from "node:os";
import { describe, expect, test } from "vitest";
import { ownSession, pathValue, sshOptions } from "../../../ssh/options.ts";
import type { SshTarget } from "../../../ssh/target.ts";

const target: SshTarget = { name: "host1", address: "192.0.2.11", port: 2222, user: "admin" };

test("what ~/.ssh/config tells OpenSSH to ignore is ignored in our logins, too", () => {
  const config = "IgnoreUnknown UseKeychain\nUseKeychain yes\nSessionType none\n";
  const script = 'ssh -G -F /dev/stdin "$@" <<< "$CONFIG"';
  const printed = execFileSync("bash", ["-c", script, "bash", ...sshOptions(target), target.address], {
    env: { ...process.env, CONFIG: config },
  });
  expect(printed.toString()).toContain("sessiontype default\n");
});

test("scripts on this machine have the same options, and write paths so that OpenSSH reads them alike", () => {
  const script = `. ssh/options.sh; printf '%s\\n' "\${own_session[@]}"; path_value "$1"`;
  const file = String.raw`/tmp/100%h "it" \own`;
  const lines = execFileSync("bash", ["-c", script, "bash", file]).toString().trimEnd().split("\n");
  const own = ownSession.flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  expect(lines.slice(0, -1)).toEqual(own);
  for (const value of [lines.at(-1), pathValue(file)]) {
    const printed = execFileSync("ssh", ["-G", "-F", "none", "-o", `IdentityFile=${value}`, "h"]).toString();
    expect(printed).toContain(`identityfile ${file.replace("%", "%%")}\n`);
  }
});

describe("ssh's options", () => {
  const options = (changes: Partial<SshTarget>) => sshOptions({ ...target, ...changes }).join(" ");

  test("port and user are the target's, and nothing is ever asked", () => {
    expect(options({})).toMatch(/ -p 2222 -l admin$/);
    expect(options({})).toContain("-o BatchMode=yes");
  });

  test("a host that does not answer is given up in seconds", () => {
    expect(options({})).toContain("-o ConnectTimeout=10");
    expect(options({})).toContain("-o ServerAliveInterval=5 -o ServerAliveCountMax=3");
  });

  test("a key that is named is the only one that is offered", () => {
    expect(options({ privateKeyFile: ".testbed/lab/id" })).toContain(
      "-o IdentitiesOnly=yes -o IdentityFile=.testbed/lab/id",
    );
    expect(options({})).not.toContain("Identit");
  });

  test("known hosts are believed strictly, and never left out", () => {
    expect(options({ knownHostsFile: ".testbed/lab/known_hosts" })).toContain(
      "-o UserKnownHostsFile=.testbed/lab/known_hosts -o StrictHostKeyChecking=yes",
    );
    expect(options({})).not.toContain("StrictHostKeyChecking=no");
  });

  test("~ is this user's home", () => {
    expect(options({ privateKeyFile: "~/.ssh/id" })).toContain(`IdentityFile=${homedir()}/.ssh/id`);
  });
});
