import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { metricsOf } from "../moves/metrics.ts";
import { appendLine } from "../moves/results.ts";
import { say } from "../report/text/command.ts";
import { emptiedBy } from "../stacks/deciding/emptied.ts";
import { actOf, type KeeperAct, type KeeperLook, silencesAfter } from "../stacks/deciding/keep.ts";
import { KeeperMetrics } from "./keeper-metrics.ts";
import { type ListenAddress, serveMetrics } from "./metrics-server.ts";
import { lookAtStack, planOfStack, type StackLook } from "./plan-stack.ts";
import { setList } from "./stack-settings.ts";

/** After an update that failed the next one waits, longer each time. */
const mostWaitMs = 600_000;

interface Keeping {
  /** Between two looks. */
  everyMs: number;
  /** So many looks in a row a host must be silent to be taken for lost. */
  silences: number;
  /** One look, and what follows. */
  once: boolean;
  /** Where Prometheus may ask. Absent: nowhere. */
  metrics?: ListenAddress;
}

/** Looks and acts until the process is asked to end. */
export async function keep(
  stack: string,
  { everyMs, silences: most, once, metrics: at }: Keeping,
): Promise<void> {
  const metrics = new KeeperMetrics(stack);
  const server =
    at && (await serveMetrics(at, async () => (await metricsOf(stack)) + (await metrics.text())));
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
    if (look instanceof Error) {
      metrics.looked();
      await log(stack, { do: "nothing", why: look.message });
    } else {
      silences = silencesAfter(silences, look.silent);
      metrics.looked(silences);
      const act = actOf(await keeperLook(look), silences, most);
      // What is as it was before is no news.
      if (act.do !== "nothing" || act.why !== last) await log(stack, act);
      last = act.do === "nothing" ? act.why : "";
      if (act.do !== "nothing") {
        const isDone = await carryOut(stack, act, look);
        metrics.updated(act.do, isDone);
        failures = isDone ? 0 : failures + 1;
      }
    }
    if (once) break;
    const waitMs = failures > 0 ? Math.min(mostWaitMs, everyMs * 2 ** failures) : everyMs;
    await sleep(waitMs, undefined, { signal: waiting.signal }).catch(() => {});
  }
  server?.close();
  server?.closeAllConnections();
}

async function keeperLook(look: StackLook): Promise<KeeperLook> {
  const { silent, areOff, config } = look;
  if (silent.length > 0) return { silent, toSwitch: [] };
  const { inputs, outcome } = await planOfStack(look);
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
  if (lost) await setList(stack, "lost", lost);
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
  if (lost) await setList(stack, "lost", config.lost);
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
