import { text } from "node:stream/consumers";
import { command, runCommand, UsageError } from "../report/text/command.ts";
import { withoutHost } from "../stacks/without-host.ts";

const vouch = "--is-off-for-good";
const consequences =
  "Its guests will be booted on other hosts. If the machine still runs, or comes back, each of them has two copies that write to one disk: " +
  "see with your own eyes that it is off, and install it anew before it serves again.";

const program = command(
  "npm run -s forget-host --",
  `HOST ${vouch} < state.json > without.json`,
  "Takes a lost host out of a stack's state: from `pulumi stack export` to `pulumi stack import`.",
)
  .argument("<host>")
  .option(vouch, "your word for it")
  .addHelpText("after", `\n${consequences}\ndocs/hosts.md says more.`)
  .action(async (host: string, { isOffForGood }: { isOffForGood?: true }) => {
    if (!isOffForGood) throw new UsageError(`Say ${vouch} if it is. ${consequences}`);
    const without = withoutHost(JSON.parse(await text(process.stdin)), host);
    if (without === undefined) throw new UsageError(`This state has no host "${host}".`);
    console.log(JSON.stringify(without, null, 2));
  });

await runCommand(program);
