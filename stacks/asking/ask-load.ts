import { type HostSamples, loadQuestion, parseLoad } from "../../hosts/load.ts";
import type { NoSamples } from "../../load/join.ts";
import type { SshTarget } from "../../ssh/target.ts";
import { askOverSsh } from "./ask-over-ssh.ts";

/**
 * Asks hosts, by one command each, what kept them and their guests busy in these last minutes, of the last 24 hours at most. Reads only. One that
 * does not answer says why, by its name as all others do; one that takes no samples has none.
 */
export async function readLoad(
  targets: readonly SshTarget[],
  { windowMinutes }: { windowMinutes: number },
): Promise<Record<string, HostSamples | NoSamples>> {
  const question = loadQuestion(windowMinutes);
  const answers = targets.map(async (target) => {
    const { printed, reason } = await askOverSsh(target, question);
    return [target.name, parseLoad(printed) ?? { reason }] as const;
  });
  return Object.fromEntries(await Promise.all(answers));
}
