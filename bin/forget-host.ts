import { text } from "node:stream/consumers";
import { withoutHost } from "../stacks/without-host.ts";

// Takes a lost host out of a stack's state: from `pulumi stack export` on standard input to `pulumi stack import` on standard output.
// docs/hosts.md says when.

const vouch = "--is-off-for-good";
const [host, vouched, ...others] = process.argv.slice(2);

function end(message: string): never {
  console.error(`forget-host: ${message}`);
  process.exit(1);
}

if (host === undefined || vouched !== vouch || others.length > 0) {
  end(
    `usage: npm run -s forget-host -- <host> ${vouch} < state.json > without.json\n` +
      "Its guests will be booted on other hosts. If the machine still runs, or comes back, each of them has two copies that write to one disk: " +
      "see with your own eyes that it is off, and install it anew before it serves again.",
  );
}
const without = withoutHost(JSON.parse(await text(process.stdin)), host);
if (without === undefined) end(`this state has no host "${host}"`);
console.log(JSON.stringify(without, null, 2));
