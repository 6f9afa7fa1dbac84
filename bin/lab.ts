import { join } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { readRecords, resultsFile } from "../report/results.ts";
import { downtimeTable, migrationTable, phaseTable } from "../report/table.ts";

const help = `Usage: npm run lab [-- options]        two KVM hosts and two guests on this machine; one moves live, then offline back
       npm run lab:down [-- options]   all of it gone

Options:
  --stack NAME   a lab stack of your own (stacks/Pulumi.NAME.yaml)   default: lab
  --guest NAME   the guest that moves                                default: vm1
  --help

Both are safe to repeat: an interrupted run is picked up where it stopped.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    stack: { type: "string", default: "lab" },
    guest: { type: "string", default: "vm1" },
    help: { type: "boolean", default: false },
  },
});
const { stack, guest } = values;
const project = join(import.meta.dirname, "..");

/** The project's Pulumi, seen as it runs. */
async function pulumi(...args: string[]): Promise<void> {
  console.log(`\n$ npm run pulumi -- ${args.join(" ")}`);
  await execa("sh", ["bin/pulumi", ...args], { cwd: project, stdio: "inherit" });
}

async function pulumiOutput(...args: string[]): Promise<string> {
  const { stdout } = await execa("sh", ["bin/pulumi", ...args], { cwd: project, stderr: "inherit" });
  return stdout;
}

async function timed(doing: string, action: () => Promise<void>): Promise<void> {
  const startedMs = performance.now();
  await action();
  console.log(`\nlab: ${doing} took ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
}

const deploy = () => pulumi("up", "--stack", stack, "--yes");

/** Moves the guest as anyone would: two lines of the stack's config, and `pulumi up`. */
async function move(mode: "live" | "offline", to: string): Promise<void> {
  await timed(`moving ${guest} ${mode} to ${to}`, async () => {
    await pulumi("config", "set", "--stack", stack, "--path", "testbed:migration.mode", mode);
    await pulumi("config", "set", "--stack", stack, "--path", `testbed:placement.${guest}`, to);
    await deploy();
  });
}

async function up(): Promise<void> {
  await pulumi("stack", "select", "--create", stack);
  const config = JSON.parse(await pulumiOutput("config", "--stack", stack, "--json"));
  const hosts: { name: string }[] = JSON.parse(config["testbed:hosts"].value);
  const placement: Record<string, string> = JSON.parse(config["testbed:placement"].value);
  const [first, second] = hosts.map(({ name }) => name);
  if (!first || !second || !placement[guest]) {
    throw new Error(
      `stack ${stack} has no guest ${guest} to move between two hosts; see stacks/Pulumi.${stack}.yaml`,
    );
  }
  await timed("bringing the testbed up", deploy);
  // A run that was interrupted after the first move goes on with the second.
  if (placement[guest] === first) await move("live", second);
  await move("offline", first);
  await report(first, second);
}

async function report(first: string, second: string): Promise<void> {
  const { records } = await readRecords(join(project, resultsFile(stack)));
  const latest = records.filter((record) => record.guest === guest).slice(-2);
  const outputs = JSON.parse(await pulumiOutput("stack", "output", "--stack", stack, "--json"));
  const { address, vnc } = outputs.guests[guest];
  const key = `.testbed/${stack}/id_ed25519`;
  console.log(`
What was measured (all of it: npm run results -- ${stack}; as a page: npm run report -- ${stack})

${[migrationTable(latest), downtimeTable(latest), phaseTable(latest)].filter(Boolean).join("\n\n")}

What to try next
  see the guest          ssh -i ${key} ${outputs.guests[guest].user}@${address}
  its display            a VNC viewer to ${vnc ?? "(none in the stack's config)"}
  move it again          npm run pulumi -- config set --stack ${stack} --path testbed:placement.${guest} ${second}
                         npm run pulumi -- up --stack ${stack}
  another way to move    npm run pulumi -- config set --stack ${stack} --path testbed:migration.mode cold
  see a move by hand     virsh migrate on ${first}, then npm run pulumi -- refresh --stack ${stack}
  change anything else   stacks/Pulumi.${stack}.yaml; every key is in docs/config.md
  all of it gone         npm run lab:down`);
}

async function down(): Promise<void> {
  await timed("taking the testbed down", async () => {
    await pulumi("destroy", "--stack", stack, "--yes");
    // Its config file and its results stay.
    await pulumi("stack", "rm", stack, "--yes", "--preserve-config");
  });
}

const [command] = positionals;
if (values.help || (command !== "up" && command !== "down")) {
  console.log(help);
  process.exitCode = values.help ? 0 : 2;
} else {
  try {
    await (command === "up" ? up() : down());
  } catch (error) {
    // Pulumi has said what is wrong already.
    const said = error instanceof Error && "exitCode" in error;
    console.error(said ? "\nlab: that failed; mend what is said above, and run it again" : error);
    process.exitCode = 1;
  }
}
