import { CommandFailed } from "../ssh/errors.ts";
import { quote } from "../ssh/quote.ts";
import type { SshSession } from "../ssh/session.ts";
import { virshFunction } from "./virsh.ts";

/**
 * What libvirt says to whoever wants to change a guest, after half a minute, while it believes that a migration from here is going on. If
 * QEMU ends just as libvirt learns that its post-copy has failed, libvirt 9.0 keeps that migration's job for the post-copy to be recovered,
 * on a guest that is off: until its daemon starts anew, nobody can start, restore or undefine the guest there.
 */
const refusal = /cannot acquire state change lock \(held by \S*DomainMigratePerform/;

/**
 * Does something to a guest that is off. Where libvirt refuses it for a migration that is over, its daemon is started anew, which guests do
 * not notice, and it is tried once more. Throws when that would end the migration of another guest.
 *
 * @param tell shows a line to the person
 */
export async function pastStaleJob<T>(
  session: SshSession,
  uuid: string,
  tell: (line: string) => void,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof CommandFailed && refusal.test(error.command.stderr))) throw error;
    const host = session.target.name;
    const doing = "looking for guests that libvirt moves";
    const [name = uuid, isOn, ...moving] = (await session.run(doing, lookFor(uuid))).stdout
      .trim()
      .split("\n");
    // Its migration does go on.
    if (isOn !== "off") throw error;
    const job = `libvirt on ${host} still waits for a migration of guest ${name}, which is off there`;
    if (moving.length > 0)
      throw new Error(
        `${job}, and only a new start of its daemon ends that. It was not started anew, as guest ${moving.join(", guest ")} is moved there. Wait until that is over, and run again.`,
        { cause: error },
      );
    tell(`${name}: ${job}; starting libvirt's daemon anew, which guests do not notice`);
    await session.run("starting libvirt's daemon anew", restart);
    return run();
  }
}

/** Prints the guest's name, whether it is off, and the names of others that have a job or are on their way. */
const lookFor = (uuid: string): string => `${virshFunction}
virsh domname ${quote(uuid)} | grep .
[ "$(virsh domstate ${quote(uuid)} | head -n 1)" = 'shut off' ] && echo off || echo on
for other in $(virsh list --uuid); do
  if virsh domstate --reason "$other" | grep -q migrat ||
    { job=$(virsh domjobinfo "$other" 2>&1) && ! grep -q '^Job type: *None' <<< "$job"; } ||
    grep -q 'only on the source host' <<< "\${job-}"; then
    virsh domname "$other" | grep .
  fi
done
true`;

/** The daemon is one of two, and its guests are not its children. */
const restart = `${virshFunction}
systemctl try-restart libvirtd.service virtqemud.service
for try in $(seq 40); do
  ! virsh version > /dev/null 2>&1 || exit 0
  sleep 0.25
done
virsh version > /dev/null`;
