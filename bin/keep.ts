import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { appendLine } from "../moves/results.ts";
import { runCommand, say } from "../report/text/command.ts";
import { emptiedBy } from "../stacks/deciding/emptied.ts";
import { actOf, type KeeperAct, type KeeperLook, silencesAfter } from "../stacks/deciding/keep.ts";
import { lookAtStack, planOfStack, type StackLook } from "./plan-stack.ts";

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

/** After an update that failed the next one waits, longer each time. */
const mostWaitMs = 600_000;

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
  await keep(stack, { everyMs: every * 1000, silences, once: values.once });
}

interface Keeping {
  everyMs: number;
  silences: number;
  once: boolean;
}

async function keep(stack: string, { everyMs, silences: most, once }: Keeping): Promise<void> {
  let stopping = false;
  const waiting = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      stopping = true;
      waiting.abort();
    });
  let silences: Record<string, number> = {};
  let failures = 0;
  let last = "";
  while (!stopping) {
    const look = await lookAtStack(stack).catch((error: Error) => error);
    if (look instanceof Error) await log(stack, { do: "nothing", why: look.message });
    else {
      silences = silencesAfter(silences, look.silent);
      const act = actOf(await keeperLook(look), silences, most);
      // What is as it was before is no news.
      if (act.do !== "nothing" || act.why !== last) await log(stack, act);
      last = act.do === "nothing" ? act.why : "";
      if (act.do !== "nothing") failures = (await carryOut(stack, act, look)) ? 0 : failures + 1;
    }
    if (once) return;
    const waitMs = failures > 0 ? Math.min(mostWaitMs, everyMs * 2 ** failures) : everyMs;
    await sleep(waitMs, undefined, { signal: waiting.signal }).catch(() => {});
  }
}

async function keeperLook(look: StackLook): Promise<KeeperLook> {
  const { silent, areOff, config } = look;
  if (silent.length > 0) return { silent, toSwitch: [] };
  const { inputs, outcome } = await planOfStack(look, { drain: [], spare: false, settings: {} });
  const off = [...config.off, ...emptiedBy({ inputs, outcome }, config, areOff).map(({ host }) => host)];
  const toSwitch = [
    ...off.filter((host) => !areOff.includes(host)),
    ...areOff.filter((host) => !off.includes(host)),
  ];
  return { silent, outcome, toSwitch };
}

/** Whether it was done. */
async function carryOut(
  stack: string,
  act: Exclude<KeeperAct, { do: "nothing" }>,
  { config }: StackLook,
): Promise<boolean> {
  const lost = act.do === "lose" ? [...config.lost, ...act.hosts] : undefined;
  if (lost) await setLost(stack, lost);
  const beganMs = performance.now();
  const { exitCode, all } = await execa("sh", ["bin/pulumi", "up", "--yes", "--stack", stack], {
    reject: false,
    all: true,
  });
  const seconds = Math.round((performance.now() - beganMs) / 1000);
  if (exitCode === 0) {
    await log(stack, { did: act.do, seconds });
    return true;
  }
  // Without a proof a host is not lost, and the next look may find it again.
  if (lost) await setLost(stack, config.lost);
  await log(stack, { did: act.do, seconds, failed: whyOf(all ?? "") });
  return false;
}

/** What Pulumi says last of what went wrong: each error, and the lines below it that are further in. */
function whyOf(printed: string): string {
  const lines = printed.split("\n");
  const diagnostics = lines.slice(Math.max(0, lines.lastIndexOf("Diagnostics:")));
  const said: string[] = [];
  let indent = -1;
  for (const line of diagnostics) {
    const own = line.search(/\S/);
    if (/^\s*error: (?!update failed)/.test(line)) indent = own;
    else if (own <= indent) indent = -1;
    if (indent >= 0 && own >= 0) said.push(line.trim());
  }
  return [...new Set(said)].join(" ").slice(0, 2000) || `no error was said: ${lines.at(-1)}`;
}

async function setLost(stack: string, hosts: readonly string[]): Promise<void> {
  const config = (...args: string[]) =>
    execa("sh", ["bin/pulumi", "config", ...args, "--stack", stack], { reject: false });
  await config("rm", "--path", "testbed:lost");
  for (const [index, host] of hosts.entries()) {
    const { exitCode, stderr } = await config("set", "--path", `testbed:lost[${index}]`, host);
    if (exitCode !== 0) throw new Error(`testbed:lost could not be set: ${stderr}`);
  }
}

async function log(
  stack: string,
  what: KeeperAct | { did: string; seconds: number; failed?: string },
): Promise<void> {
  const at = new Date().toISOString();
  const text =
    "do" in what
      ? `${what.do === "nothing" ? "nothing to do" : what.do}: ${what.why}`
      : `${what.did} ${what.failed === undefined ? "done" : "failed"} after ${what.seconds} s${what.failed ? `: ${what.failed}` : ""}`;
  say(`${at} ${text}`);
  await appendLine(join("results", `${stack}.keep.jsonl`), { at, ...what });
}

await runCommand(main);
