import { describe, expect, test } from "vitest";
import { CommandFailed, ConnectionLost, HostUnreachable } from "../../../ssh/errors.ts";
import type { SshTarget } from "../../../ssh/target.ts";

const target: SshTarget = { name: "host1", address: "192.0.2.11", port: 2222, user: "admin" };

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
