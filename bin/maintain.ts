import { InvalidArgumentError } from "commander";
import { commaList, command, runCommand } from "../report/text/command.ts";
import { setUp } from "../report/text/set-up.ts";

const program = command(
  "npm run maintain --",
  "STACK --each COMMAND [options]",
  "Empties one host after the other, runs a command on it, and brings its guests home: an upgrade or a reboot of all hosts, while guests go on.",
)
  .argument("<stack>")
  .requiredOption("--each <command>", "what bash runs as root on each host, once its guests are elsewhere")
  .option(
    "--hosts <names>",
    "these hosts alone, in this order (A,B) (default: all on which guests can run)",
    commaList,
  )
  .option("--wait <minutes>", "how long a host may take to come back", minutes, 15)
  .addHelpText(
    "after",
    `
Examples:
  npm run maintain -- lab --each 'apt-get update && apt-get -y upgrade'
  npm run maintain -- lab --each reboot

It stops at the first doubt: an update that fails, a command that does, a host that does not come back, a guest that is not home. That
host stays drained (testbed:drain), and what is to be done next is said. Ctrl-C ends what is under way, as it would on the host itself.
At the end it says how long each guest was away. docs/hosts.md has an example.`,
  )
  .action(async (stack: string, { each, hosts, wait }: { each: string; hosts?: string[]; wait: number }) => {
    setUp();
    // What asks hosts is loaded where that is wanted.
    const { maintain } = await import("./maintenance.ts");
    await maintain(stack, { each, waitMs: wait * 60_000, ...(hosts && { hosts }) });
  });

function minutes(text: string): number {
  if (!(Number(text) > 0)) throw new InvalidArgumentError("It takes minutes, more than 0.");
  return Number(text);
}

await runCommand(program);
