import { execa } from "execa";
import { sshOptions } from "../../ssh/options.ts";
import { behindMarker, outputBehindMarker, remoteCommand } from "../../ssh/remote-command.ts";
import type { SshTarget } from "../../ssh/target.ts";

/** What a bash script printed on a machine, run by who logs in there; and, for the case that it is no answer, why that may be. */
export async function askOverSsh(
  target: SshTarget,
  script: string,
): Promise<{ printed: string; reason: string }> {
  const said = await execa(
    "ssh",
    [...sshOptions(target), target.address, remoteCommand(behindMarker(script))],
    { reject: false, timeout: 60_000 },
  );
  return {
    printed: outputBehindMarker(said.stdout) ?? "",
    reason: said.timedOut ? "logs in, and does not answer within 60 s" : said.stderr,
  };
}
