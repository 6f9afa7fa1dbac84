import type { SshTarget } from "./target.ts";

const whyOf = (stderr: string): string => stderr.trim() || "the connection ended";

/** A host did not answer over SSH. Never taken for "the guest is not there". */
export class HostUnreachable extends Error {
  readonly host: string;
  readonly stderr: string;

  constructor(target: SshTarget, stderr: string) {
    super(
      `Host ${target.name} cannot be reached over SSH (${target.user}@${target.address} port ${target.port}): ` +
        `${whyOf(stderr)}. What runs there is unknown, so nothing was changed. ` +
        `Bring the host back, or fix its address or key in the stack's config, and run again.`,
    );
    this.name = "HostUnreachable";
    this.host = target.name;
    this.stderr = stderr;
  }
}

/** A connection that was there broke, and maybe something was begun over it. */
export class ConnectionLost extends HostUnreachable {
  constructor(target: SshTarget, stderr: string) {
    super(target, stderr);
    this.message =
      `The connection over SSH to host ${target.name} (${target.user}@${target.address} port ${target.port}) was lost: ` +
      `${whyOf(stderr)}. What was begun is put right by the next \`pulumi up\`: bring the host back, and run it.`;
    this.name = "ConnectionLost";
  }
}

interface FailedCommand {
  /** What was being done, to what: "saving the memory of guest vm1". */
  doing: string;
  host: string;
  exitCode: number;
  stdout: string;
  stderr: string;
  timedOutAfterMs?: number;
}

/** A command on a host failed; its exit code and output travel as fields. */
export class CommandFailed extends Error {
  readonly command: FailedCommand;

  constructor(command: FailedCommand) {
    const { doing, host, exitCode, stderr, stdout, timedOutAfterMs } = command;
    const how =
      timedOutAfterMs === undefined ? `exit code ${exitCode}` : `no end after ${timedOutAfterMs / 1000} s`;
    super(`${doing} on ${host} failed (${how}): ${(stderr.trim() || stdout.trim()).slice(-2000)}`);
    this.name = "CommandFailed";
    this.command = command;
  }
}
