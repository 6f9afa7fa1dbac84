import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { stringify } from "yaml";
import * as z from "zod";
import type { StackInput } from "../../stacks/config.ts";
import { removeStack } from "./bench-stack.ts";
import { withEmptyStack } from "./empty-stack.ts";
import { loadNow } from "./machine.ts";
import { project, pulumi } from "./pulumi.ts";
import { watchedRun, watchedRunSchema } from "./watched-run.ts";

// What an update costs as hosts and guests become many: labs of small guests that only halt, so that nothing waits for a boot.

export const phases = ["up from nothing", "up unchanged", "up with one move", "refresh", "destroy"] as const;

export const scaleSampleSchema = z.object({
  hosts: z.int().positive(),
  guests: z.int().positive(),
  resources: z.int().positive().describe("in the state, the stack and its providers included"),
  stateBytes: z.int().positive().describe("of `pulumi stack export`, without white space"),
  phases: z.record(z.enum(phases), watchedRunSchema),
  asMany: watchedRunSchema
    .optional()
    .describe("`up` unchanged of a program that declares as many components and nothing else"),
  load: z.number().describe("the machine's load average (1 min) before"),
});
export type ScaleSample = z.infer<typeof scaleSampleSchema>;

/** How many hosts and guests a lab has. */
export interface Size {
  hosts: number;
  guests: number;
}

export const defaultSizes: readonly Size[] = [
  { hosts: 2, guests: 10 },
  { hosts: 5, guests: 50 },
  { hosts: 10, guests: 100 },
  { hosts: 20, guests: 200 },
];

const stack = "bench-scale";
const configFile = join(project, "stacks", `Pulumi.${stack}.yaml`);
const imageFile = join(project, ".testbed", "bench-halt.qcow2");

/** Measures each size with a lab of its own, which is destroyed before the next, and when something fails. */
export async function measureScale(
  sizes: readonly Size[],
  say: (line: string) => void,
  onSample: (sample: ScaleSample) => Promise<void>,
): Promise<void> {
  await makeHaltingImage();
  for (const size of sizes) {
    await makeScaleStack(size);
    try {
      await onSample(await measureSize(size, say));
    } finally {
      await removeStack(stack);
      await rm(configFile, { force: true });
    }
  }
}

async function measureSize(size: Size, say: (line: string) => void): Promise<ScaleSample> {
  const load = loadNow();
  const measured: ScaleSample["phases"] = {} as ScaleSample["phases"];
  const measure = async (phase: (typeof phases)[number], ...args: string[]) => {
    const run = await watchedRun([...args, "--stack", stack, "--yes"], {
      isUnchanged: phase === "up unchanged",
    });
    measured[phase] = run;
    const [wall, cpu] = [run.wallMs, run.cpuMs].map((ms) => (ms / 1000).toFixed(1));
    say(
      `scale ${size.hosts}/${size.guests}: ${phase} ${wall} s, CPU ${cpu} s, ${run.peakMiB.toFixed(0)} MiB, ` +
        `${run.connections} connections, ${run.commands} commands`,
    );
  };
  await measure("up from nothing", "up", "--skip-preview");
  await measure("up unchanged", "up");
  const { stdout } = await pulumi(["stack", "export", "--stack", stack]);
  const state = JSON.parse(stdout);
  const resources = state.deployment.resources.length;
  await pulumi(["config", "set", "--stack", stack, "--path", "testbed:placement.vm1", "host2"]);
  await measure("up with one move", "up");
  await measure("refresh", "refresh");
  const asMany = await withEmptyStack(
    ({ args, env }) => watchedRun(["up", ...args, "--yes"], { env }),
    manyComponents(resources),
  );
  await measure("destroy", "destroy", "--skip-preview");
  return { ...size, resources, stateBytes: JSON.stringify(state).length, phases: measured, asMany, load };
}

/** What Pulumi itself takes for so many: components have no provider, which would take more. */
const manyComponents = (count: number): string => `import * as pulumi from "@pulumi/pulumi";

for (let i = 0; i < ${count}; i++) new pulumi.ComponentResource("bench:index:Nothing", \`nothing\${i}\`);
`;

/** Guests lie round-robin on the hosts. */
export function scaleConfig({ hosts, guests }: Size): StackInput {
  const named = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`);
  const names = named("host", hosts);
  const machines = named("vm", guests);
  return {
    lab: { network: "10.77.60.0/24", bridge: "lab60" },
    hosts: names.map((name) => ({ name, accelerator: "tcg" })),
    image: { source: imageFile },
    guests: machines.map((name) => ({ name, memoryMiB: 64, diskGiB: 2, address: "none" })),
    placement: Object.fromEntries(machines.map((name, i) => [name, names[i % hosts] as string])),
    migration: { mode: "live" },
  };
}

async function makeScaleStack(size: Size): Promise<void> {
  const config = Object.entries(scaleConfig(size)).map(([key, value]) => [`testbed:${key}`, value]);
  await writeFile(configFile, stringify({ config: Object.fromEntries(config) }));
  await pulumi(["stack", "select", "--create", stack]);
}

/** A disk of which the first sector, all that is run of it, stops the CPU: cli; hlt; jmp back. */
async function makeHaltingImage(): Promise<void> {
  const sector = Buffer.alloc(2 ** 20);
  sector.set([0xfa, 0xf4, 0xeb, 0xfc]);
  sector.set([0x55, 0xaa], 510);
  await mkdir(join(imageFile, ".."), { recursive: true });
  await writeFile(`${imageFile}.raw`, sector);
  await execa("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", `${imageFile}.raw`, imageFile]);
  await rm(`${imageFile}.raw`);
}
