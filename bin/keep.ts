import { InvalidArgumentError } from "commander";
import { command, runCommand, wholeNumber } from "../report/text/command.ts";
import { setUp } from "../report/text/set-up.ts";
import { type ListenAddress, listenAddress } from "./metrics-server.ts";

const program = command(
  "npm run keep --",
  "STACK [options]",
  "Looks at the stack's hosts again and again, and runs `pulumi up` when its policy asks for it.",
)
  .argument("<stack>")
  .option("--every <seconds>", "between two looks", seconds, 60)
  .option(
    "--silences <n>",
    "so many looks in a row a host must be silent to be taken for lost (testbed:lost): `up` then demands a proof that it is off, and starts its guests on other hosts",
    wholeNumber(1),
    3,
  )
  .option("--once", "one look, and what follows")
  .option(
    "--metrics <address>",
    "answers Prometheus there, at /metrics: ADDRESS:PORT, or PORT of this machine alone, such as 9477",
    address,
  )
  .addHelpText(
    "after",
    `
It decides nothing that \`up\` would not: guests that a policy wants elsewhere, a host that is drained, one that is to be switched, one
that is gone. Each act is a line here and in results/STACK.keep.jsonl. It may be stopped or killed at any moment: the next run, or the
next \`up\`, goes on from what is there. docs/placement.md has a unit for systemd.`,
  )
  .action(async (stack: string, { every, silences, once, metrics }: Values) => {
    setUp();
    // What asks hosts is loaded where that is wanted.
    const { keep } = await import("./keeper.ts");
    await keep(stack, {
      everyMs: every * 1000,
      silences,
      once: once === true,
      ...(metrics && { metrics }),
    });
  });

interface Values {
  every: number;
  silences: number;
  once?: true;
  metrics?: ListenAddress;
}

function seconds(text: string): number {
  if (!(Number(text) >= 5)) throw new InvalidArgumentError("It takes seconds, 5 or more.");
  return Number(text);
}

function address(text: string): ListenAddress {
  const address = listenAddress(text);
  if (!address) throw new InvalidArgumentError("It takes an address and a port, such as 127.0.0.1:9477.");
  return address;
}

await runCommand(program);
