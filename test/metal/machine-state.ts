import { expect } from "vitest";
import type { MetalStack } from "./stack.ts";

/** Everything on a machine that a testbed may change, a line each, in sections. */
const look = String.raw`
export LC_ALL=C
has() { command -v "$1" >/dev/null; }
echo '== packages'; dpkg-query -W -f '${"$"}{Package}\n'
echo '== files'
for folder in /etc /root/.ssh /var/lib/kvm-migration-testbed /export /var/lib/libvirt/images; do
  [ ! -e "$folder" ] || find "$folder" -xdev \( -type d -o -type l -o -type f \) -printf '%p %M %U %G %l\n'
done | grep -vE '^/etc/(mtab|resolv.conf|ld.so.cache|adjtime|apparmor.d/libvirt)|^/etc/[^ ]*~ ' |
  grep -vE '^/etc/libvirt/storage(/autostart)? ' | sort # libvirt makes them when it gets its first pool
echo '== contents'; find /etc /root/.ssh -xdev -type f -exec sha256sum {} + | grep -vE ' /etc/(ld.so.cache|adjtime|apparmor.d/libvirt)' | sort -k 2
echo '== mounts'; findmnt --real -rno TARGET,SOURCE,FSTYPE | sort
echo '== links'; ip -br link | awk '{ print $1, $3 }' | sort
echo '== addresses'; ip -br -4 addr | awk '{ $2 = ""; print }' | sort
echo '== routes'; ip -4 route | sed 's/ *$//' | sort
echo '== firewall'; ! has nft || nft list ruleset
echo '== exports'; ! has exportfs || exportfs -s
echo '== libvirt'
if has virsh; then for what in list pool-list net-list; do virsh -q -c qemu:///system "$what" --all --name; done | sort; fi
echo '== users'; getent passwd; getent group
echo '== units'
# It reads them all at its first call, for longer than some machines wait.
until units=$(systemctl list-unit-files --no-legend --state=enabled); do sleep 1; done
sort <<< "$units"
`;

export type MachineState = ReadonlySet<string>;

async function stateOf(stack: MetalStack, machine: string): Promise<MachineState> {
  const printed = await stack.on(machine, look);
  const sections = printed.split(/^== /m).filter(Boolean);
  return new Set(
    sections.flatMap((section) => {
      const [title, ...lines] = section.split("\n").filter(Boolean);
      return lines.map((line) => `${title}: ${line}`);
    }),
  );
}

/** Each machine's state, by its name. */
export async function statesOf(stack: MetalStack): Promise<Map<string, MachineState>> {
  const states = stack.machines.map(async (machine) => [machine, await stateOf(stack, machine)] as const);
  return new Map(await Promise.all(states));
}

/** What a package brings when it is installed: files, users and services of its own. */
const ofPackages = /^(packages|files|contents|users|units): /;

/** What is new on a machine (+) and what is gone (-). New packages may stay, and then what they bring is not looked at. */
function differences(before: MachineState, after: MachineState): string[] {
  const came = [...after].filter((line) => !before.has(line));
  const went = [...before].filter((line) => !after.has(line));
  const hasNewPackages = came.some((line) => line.startsWith("packages: "));
  const counts = (line: string) => !hasNewPackages || !ofPackages.test(line);
  return [
    ...came.filter(counts).map((line) => `+ ${line}`),
    ...went.filter(counts).map((line) => `- ${line}`),
  ];
}

/** Each machine is as it was before the testbed came, but for packages. */
export async function expectAsFound(
  stack: MetalStack,
  found: ReadonlyMap<string, MachineState>,
): Promise<void> {
  for (const [machine, after] of await statesOf(stack)) {
    const before = found.get(machine) as MachineState;
    expect({ machine, differences: differences(before, after) }).toEqual({ machine, differences: [] });
  }
}
