import { parseArgs } from "node:util";
import { runCommand, say } from "../report/text/command.ts";

const help = `npm run keep -- STACK [options]      looks at the stack's hosts again and again, and runs \`pulumi up\` when its policy asks for it

  --every SECONDS   between two looks                                        default: 60
  --silences N      so many looks in a row a host must be silent             default: 3
                    to be taken for lost (testbed:lost): \`up\` then
                    demands a proof that it is off, and starts its guests
                    on other hosts
  --once            one look, and what follows
  --help

It decides nothing that \`up\` would not: guests that a policy wants elsewhere, a host that is drained, one that is to be switched, one
that is gone. Each act is a line here and in results/STACK.keep.jsonl. It may be stopped or killed at any moment: the next run, or the
next \`up\`, goes on from what is there. docs/placement.md has a unit for systemd.`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      every: { type: "string", default: "60" },
      silences: { type: "string", default: "3" },
      once: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return say(help);
  const [stack, ...more] = positionals;
  const [every, silences] = [values.every, values.silences].map(Number);
  const mistakes = [
    ...(stack === undefined || more.length > 0 ? ["say one stack"] : []),
    ...(every && every >= 5 ? [] : ["--every takes seconds, 5 or more"]),
    ...(silences && Number.isInteger(silences) && silences >= 1
      ? []
      : ["--silences takes a whole number, 1 or more"]),
  ];
  if (stack === undefined || !every || !silences || mistakes.length > 0) throw new Error(mistakes.join("\n"));
  // What asks hosts is loaded where that is wanted.
  const { keep } = await import("./keeper.ts");
  await keep(stack, { everyMs: every * 1000, silences, once: values.once });
}

await runCommand(main);
