import { execa } from "execa";
import { awayOf } from "../moves/away.ts";
import { recordsSince, resultsFile } from "../moves/results.ts";
import { say, UsageError } from "../report/text/command.ts";
import { closeSessions } from "../ssh/session-pool.ts";
import { lifeOf, runOn, serves, waitForHost } from "./host-life.ts";
import { lookAtStack, readStack } from "./plan-stack.ts";
import { setList } from "./stack-settings.ts";

interface Maintenance {
  /** What bash runs as root on each host. */
  each: string;
  /** Absent: all. */
  hosts?: readonly string[];
  /** How long a host may take to come back. */
  waitMs: number;
}

/** Throws at the first doubt, with what is to be done next. */
export async function maintain(stack: string, { each, hosts, waitMs }: Maintenance): Promise<void> {
  const { config, past, areOff, silent } = await lookAtStack(stack);
  const all = config.hosts.map(({ name }) => name).filter((name) => !areOff.includes(name));
  const wanted = hosts ?? all.filter((name) => !config.drain.includes(name));
  const unknown = wanted.filter((name) => !all.includes(name));
  if (unknown.length > 0)
    throw new UsageError(`There is no host ${unknown.join(", ")} that is on; hosts are ${all.join(", ")}.`);
  if (silent.length > 0)
    throw new Error(
      `${silent.join(", ")} cannot be reached. Nothing was done: all hosts must be well first.`,
    );
  const madeSince = await recordsSince(resultsFile(stack));
  const others = (host: string) => config.drain.filter((name) => name !== host);
  try {
    for (const [index, host] of wanted.entries()) {
      const target = past.hosts[host];
      if (!target) throw new Error(`${host} was not prepared yet: npm run pulumi -- up --stack ${stack}`);
      const step = (text: string) => say(`\n${host} (${index + 1} of ${wanted.length}): ${text}`);
      const next = () => `npm run maintain -- ${stack} --each … --hosts ${wanted.slice(index).join()}`;
      try {
        step("its guests move elsewhere");
        await setList(stack, "drain", [...others(host), host]);
        await up(stack);
        const before = await lifeOf(target);
        if (!serves(before)) throw new Error(`${host} is ${before.state}, before anything was done on it`);
        step(each);
        const exitCode = await runOn(target, each, (line) => say(`${host}: ${line}`));
        if (exitCode !== undefined && exitCode !== 0)
          throw new Error(`on ${host} the command failed with exit code ${exitCode}`);
        const { booted } = await waitForHost(target, before, exitCode === undefined, waitMs);
        step(`it serves${booted ? ", booted anew" : ""}; its guests come home`);
        await setList(stack, "drain", others(host));
        await up(stack);
        await checkHome(stack);
      } catch (error) {
        const why = (error as Error).message.replace(/\.$/, "");
        throw new Error(
          `${why}. ${wanted.length - index} of ${wanted.length} hosts are left, and ${host} may still be drained (testbed:drain). ` +
            `When it is well: ${next()}`,
          { cause: error },
        );
      }
    }
  } finally {
    await closeSessions();
    for (const { guest, moves: count, awayMs, unmeasured } of awayOf(await madeSince()))
      say(
        `${guest}: ${count} moves, away for ${(awayMs / 1000).toFixed(2)} s in all${unmeasured > 0 ? `, and for a time that was not measured in ${unmeasured} of them` : ""}`,
      );
  }
}

async function up(stack: string): Promise<void> {
  const args = ["bin/pulumi", "up", "--yes", "--skip-preview", "--stack", stack];
  const { exitCode } = await execa("sh", args, { stdio: "inherit", reject: false });
  if (exitCode !== 0) throw new Error("the update failed, as is said above");
}

/** Guests that the config places are there, but those of drained hosts. */
async function checkHome(stack: string): Promise<void> {
  const { config, past } = await readStack(stack);
  const astray = past.guests.flatMap(({ name, host }) => {
    const home = config.placement[name];
    const isHome = home === undefined || home === host || config.drain.includes(home);
    return isHome ? [] : [`${name} is on ${host}, not on ${home}`];
  });
  if (astray.length > 0) throw new Error(astray.join("; "));
}
