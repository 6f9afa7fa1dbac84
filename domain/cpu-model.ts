import type { Fleet } from "../fleet/fleet.ts";
import { withFleet } from "../fleet/observe.ts";
import { type DomainSpec, virtType } from "../libvirt/domain-xml.ts";
import { namedCpuXml } from "../libvirt/named-cpu.ts";
import { parseSurvey, surveyScript } from "../libvirt/survey.ts";
import type { SshSession } from "../ssh/session.ts";

/** What a CPU model is asked of a host for. */
type CpuPlatform = Pick<DomainSpec, "accelerator" | "machine">;

/** Throws where a host lacks a CPU model that guests are to have: they could not go there. Hosts that are off are not asked. */
export async function refuseForeignCpus(
  models: readonly string[],
  platform: CpuPlatform,
  fleet: Fleet,
): Promise<void> {
  const problems = await withFleet(fleet, ({ hosts }) =>
    Promise.all(hosts.map((host) => problemsOf(host, models, platform))),
  );
  const [first, ...others] = problems.flat();
  if (first === undefined) return;
  throw new Error(
    `Guests are to have a CPU model that not every host can give them (${platform.accelerator}, ${platform.machine}): ${[first, ...others].join("; ")}. No guest was touched. ` +
      `Name another one in the stack's config, such as one that \`virsh domcapabilities --virttype ${virtType(platform)}\` has as usable on each of these hosts; or leave it out: guests then have the best that all hosts can give`,
  );
}

async function problemsOf(
  host: SshSession,
  models: readonly string[],
  platform: CpuPlatform,
): Promise<string[]> {
  const { name } = host.target;
  const problems: string[] = [];
  for (const model of models) {
    const question = { ask: "cpu", virtType: virtType(platform), machine: platform.machine } as const;
    const { stdout } = await host.run(`asking ${name} for the CPU model ${model}`, surveyScript([question]), {
      input: namedCpuXml(model),
    });
    const verdict = parseSurvey(stdout).cpu;
    if (verdict === undefined)
      throw new Error(
        `Host ${name} was asked whether it has the CPU model ${model} and did not say it. No guest was touched. See whether its libvirtd works (virsh list), and run again.`,
      );
    if (verdict !== "fits") problems.push(`${model} on ${name}: ${verdict}`);
  }
  return problems;
}
