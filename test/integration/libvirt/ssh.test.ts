import { execFileSync } from "node:child_process";
import { homedir } from "node:os";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CommandFailed, ConnectionLost, HostUnreachable } from "../../../libvirt/errors.ts";
import { quote } from "../../../libvirt/quote.ts";
import { ownSession, pathValue, sshOptions } from "../../../libvirt/ssh-options.ts";
import type { SshTarget } from "../../../libvirt/ssh-target.ts";
import { virshCommand } from "../../../libvirt/virsh.ts";

const target: SshTarget = { name: "host1", address: "192.0.2.11", port: 2222, user: "admin" };

test("a real shell reads a quoted word as it is", () => {
  const special = [..."'\"\\$`!*?[]{}()<>|&;~#=%^ \t\n-", "a", "é", "😀", "$(id)", "${HOME}"];
  const word = fc.array(fc.constantFrom(...special)).map((parts) => parts.join(""));
  // One shell for all of them: it prints a NUL after each.
  const words = fc.sample(word, 500);
  const printed = execFileSync("/bin/sh", ["-c", `printf '%s\\0' ${words.map(quote).join(" ")}`]);
  expect(printed.toString().split("\0").slice(0, -1)).toEqual(words);
});

test("a quoted script may quote in turn", () => {
  const inner = `printf %s ${quote("it's $HOME")}`;
  expect(execFileSync("/bin/sh", ["-c", `sh -c ${quote(inner)}`]).toString()).toBe("it's $HOME");
});

test("virsh speaks English and to the system's libvirtd, whatever the arguments hold", () => {
  expect(virshCommand(["domstate", "a'b; rm -rf /"])).toBe(
    `LC_ALL=C virsh -q -c qemu:///system 'domstate' 'a'\\''b; rm -rf /'`,
  );
});

test("what ~/.ssh/config tells OpenSSH to ignore is ignored in our logins, too", () => {
  const config = "IgnoreUnknown UseKeychain\nUseKeychain yes\nSessionType none\n";
  const script = 'ssh -G -F /dev/stdin "$@" <<< "$CONFIG"';
  const printed = execFileSync("bash", ["-c", script, "bash", ...sshOptions(target), target.address], {
    env: { ...process.env, CONFIG: config },
  });
  expect(printed.toString()).toContain("sessiontype default\n");
});

test("scripts on this machine have the same options, and write paths so that OpenSSH reads them alike", () => {
  const script = `. libvirt/ssh-options.sh; printf '%s\\n' "\${own_session[@]}"; path_value "$1"`;
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

describe("errors say what happened and what to do", () => {
  test("a host that cannot be reached", () => {
    const error = new HostUnreachable(
      target,
      "ssh: connect to host 192.0.2.11 port 2222: No route to host\n",
    );
    expect(error.message).toBe(
      "Host host1 cannot be reached over SSH (admin@192.0.2.11 port 2222): " +
        "ssh: connect to host 192.0.2.11 port 2222: No route to host. What runs there is unknown, so nothing was changed. " +
        "Bring the host back, or fix its address or key in the stack's config, and run again.",
    );
    expect(error).toMatchObject({ name: "HostUnreachable", host: "host1" });
    expect(new HostUnreachable(target, " ").message).toContain("the connection ended");
  });

  test("a connection that was lost, in the middle of something", () => {
    const error = new ConnectionLost(target, "Timeout, server 192.0.2.11 not responding\n");
    expect(error.message).toBe(
      "The connection over SSH to host host1 (admin@192.0.2.11 port 2222) was lost: " +
        "Timeout, server 192.0.2.11 not responding. What was begun is put right by the next `pulumi up`: bring the host back, and run it.",
    );
    expect(error).toMatchObject({ name: "ConnectionLost", host: "host1" });
    expect(error).toBeInstanceOf(HostUnreachable);
  });

  test("a command that failed carries its exit code and output", () => {
    const command = {
      doing: "saving the memory of guest vm1",
      host: "host1",
      exitCode: 1,
      stdout: "",
      stderr: "error: Failed to save domain 'vm1'\nerror: No space left on device\n",
    };
    const error = new CommandFailed(command);
    expect(error.message).toBe(
      "saving the memory of guest vm1 on host1 failed (exit code 1): error: Failed to save domain 'vm1'\nerror: No space left on device",
    );
    expect(error.command).toEqual(command);
  });

  test("a command that said nothing on stderr is quoted from stdout, and a long text from its end", () => {
    const command = { doing: "x", host: "host1", exitCode: 3, stdout: "the reason", stderr: "" };
    expect(new CommandFailed(command).message).toMatch(/\(exit code 3\): the reason$/);
    const long = new CommandFailed({ ...command, stderr: `${"a".repeat(5000)}the end` }).message;
    expect(long.length).toBeLessThan(2100);
    expect(long).toMatch(/the end$/);
  });

  test("a command that did not end in time", () => {
    const command = {
      doing: "x",
      host: "host1",
      exitCode: -1,
      stdout: "",
      stderr: "",
      timedOutAfterMs: 60_000,
    };
    expect(new CommandFailed(command).message).toContain("(no end after 60 s)");
  });
});
