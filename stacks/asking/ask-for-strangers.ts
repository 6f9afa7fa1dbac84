import { virshCommand } from "../../libvirt/virsh.ts";
import { HostUnreachable } from "../../ssh/errors.ts";
import { withSession } from "../../ssh/session-pool.ts";
import type { SshTarget } from "../../ssh/target.ts";

/**
 * Asks machines which guests are there that are not of this stack. Reads only. One that does not answer, or is not prepared yet, is left out.
 *
 * @param own names of this stack's guests
 */
export async function askForStrangers(
  targets: readonly SshTarget[],
  own: readonly string[],
): Promise<Record<string, string[]>> {
  const found = await Promise.all(
    targets.map(async (target) => [target.name, await strangersOn(target, own)] as const),
  );
  return Object.fromEntries(found);
}

async function strangersOn(target: SshTarget, own: readonly string[]): Promise<string[]> {
  try {
    return await withSession(target, async (session) => {
      const { stdout } = await session.run(
        `looking for guests on ${target.name}`,
        `! command -v virsh > /dev/null || ${virshCommand(["list", "--all", "--name"])}`,
      );
      return stdout.split("\n").filter((name) => name !== "" && !own.includes(name));
    });
  } catch (error) {
    // It is reported with the other machines.
    if (error instanceof HostUnreachable) return [];
    throw error;
  }
}

/** The names of machines that let us in. */
export async function whoAnswers(targets: readonly SshTarget[]): Promise<string[]> {
  const found = await Promise.all(
    targets.map((target) =>
      withSession(target, async () => [target.name]).catch((error: unknown): string[] => {
        if (error instanceof HostUnreachable) return [];
        throw error;
      }),
    ),
  );
  return found.flat();
}
