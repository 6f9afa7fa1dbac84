import { notedOff } from "../fleet/host-off.ts";
import { parseMeter } from "../fleet/meter.ts";
import { parseRapl, raplQuestion } from "../fleet/rapl.ts";
import { isOff, type SwitchRequest, switchOff, switchOn, tryCommand } from "../fleet/switch-host.ts";
import { appendPowerRecord, type PowerRecord, powerFile, type Watts } from "../moves/power-record.ts";
import { latestRecords, resultsFile } from "../moves/results.ts";
import { emptied } from "../placement/policies/consolidate.ts";
import { reasonText } from "../placement/terms/reason.ts";
import { withSession } from "../ssh/session-pool.ts";
import { tell } from "./screen.ts";
import { hasUnknown } from "./unknown.ts";

export interface HostPowerInputs extends SwitchRequest {
  desired: "on" | "off";
  /** Why it is to be off. */
  reason?: string;
  /** Records are kept in results/<stack>.power.jsonl. Absent: an earlier version declared it, and none are. */
  stack?: string;
  /** When its policy decided that. */
  decision?: string;
  /** What all hosts draw before and after, as declared. Absent: that is not known. */
  watts?: { beforeW: number; afterW: number };
}

export interface HostPowerOutputs extends HostPowerInputs {
  /** Which of its starts it is in; empty: it is off. */
  boot: string;
  /** Since when. */
  since: string;
}

/** So long a meter is waited for. */
const meterSeconds = 30;

/** What Pulumi asks of a HostPower: the host is on or off. */
export const hostPowerResource = {
  async diff(_id: string, olds: HostPowerOutputs, news: HostPowerInputs) {
    const { host, desired, reason } = news;
    if (olds.desired !== desired) {
      const why = desired === "off" && reason !== undefined ? ` (${reason})` : "";
      tell(`${host}: will be switched ${desired}${why}`);
      return { changes: true };
    }
    if (hasUnknown(news)) return { changes: true };
    if (desired === "on") {
      const isBegun = await isNoted(news);
      if (isBegun) tell(`${host}: an update that was cut short switched it off; it will be switched on`);
      return { changes: isBegun };
    }
    // Somebody may have switched it on.
    const changes = !(await isOff(news));
    if (changes) tell(`${host}: is on and should be off; it will be switched off`);
    return { changes };
  },

  async create(inputs: HostPowerInputs) {
    return { id: inputs.host, outs: await switched(inputs) };
  },

  /** One that is off is not asked whether it is. */
  async read(id: string, state: HostPowerOutputs) {
    return { id, props: state };
  },

  async update(_id: string, _olds: HostPowerOutputs, news: HostPowerInputs) {
    return { outs: await switched(news) };
  },

  /** A host goes as it came: what was done on it is taken back next, for which it must be on. */
  async delete(_id: string, state: HostPowerOutputs) {
    if (state.desired === "off") await switchOn(state, tell);
  },
};

async function switched(inputs: HostPowerInputs): Promise<HostPowerOutputs> {
  const { desired, watts } = inputs;
  const beganMs = performance.now();
  const seen: Watts[] = watts ? [{ from: "declared", ...watts }] : [];
  const look = async () => {
    const [cpusW, hostW] = [await raplOf(inputs), await meteredW(inputs)];
    if (cpusW !== undefined) seen.push({ from: "rapl", beforeW: rounded(cpusW) });
    if (hostW !== undefined) seen.push({ from: "bmc", beforeW: rounded(hostW) });
  };
  const { boot, isChanged } =
    desired === "on"
      ? await switchOn(inputs, tell).then(({ wasOff, ...on }) => ({ ...on, isChanged: wasOff }))
      : { boot: "", isChanged: await switchOff(inputs, tell, look) };
  const [since, tookMs] = [new Date().toISOString(), performance.now() - beganMs];
  const afterW = isChanged && desired === "on" ? await meteredW(inputs) : undefined;
  if (afterW !== undefined) seen.push({ from: "bmc", afterW: rounded(afterW) });
  if (isChanged) await keep(inputs, since, tookMs, seen);
  return { ...inputs, boot, since };
}

const rounded = (watts: number): number => Math.round(watts * 10) / 10;

/** What the host's CPU packages draw with no guest on it. Undefined: it does not say, which keeps nobody from switching it off. */
async function raplOf({ host, ssh }: HostPowerInputs): Promise<number | undefined> {
  return withSession(ssh, (session) => session.run(`asking what ${host} draws`, raplQuestion())).then(
    ({ stdout }) => parseRapl(stdout),
    () => undefined,
  );
}

/** What the host draws, as its meter says. Undefined: it has none, or does not say; that is told, and keeps nobody from switching. */
async function meteredW(inputs: HostPowerInputs): Promise<number | undefined> {
  if (inputs.commands.meter === undefined) return undefined;
  const { printed, problem } = await tryCommand(inputs, "meter", meterSeconds);
  const watts = problem === undefined ? parseMeter(printed) : undefined;
  if (watts === undefined) {
    const said =
      problem ?? `no figure in W is in what it prints (${printed.trim().slice(-200) || "nothing"})`;
    tell(`${inputs.host}: what it draws is not known: power.meter: ${said.replaceAll(/\s+/g, " ")}`);
  }
  return watts;
}

/** The host is switched, whatever becomes of the record: the next update would not switch it again. */
async function keep(inputs: HostPowerInputs, at: string, tookMs: number, watts: Watts[]): Promise<void> {
  const { host, desired, reason, decision, stack } = inputs;
  if (stack === undefined) return;
  const file = powerFile(stack);
  try {
    await appendPowerRecord(file, {
      ...{ schema: 1, host, did: desired, at, tookMs: Math.round(tookMs) },
      ...(desired === "off" && reason !== undefined && { reason }),
      ...(decision !== undefined && { decision }),
      ...(desired === "off" && { moves: await movesFrom({ ...inputs, stack }) }),
      watts,
    });
  } catch (error) {
    tell(`${host}: that it was switched ${desired} is not in ${file}: ${(error as Error).message}`);
  }
}

/** The moves that emptied a host, oldest first: those that were made for that or by the same decision, since the last one to it. */
async function movesFrom({
  host,
  stack,
  decision,
}: HostPowerInputs & { stack: string }): Promise<NonNullable<PowerRecord["moves"]>> {
  const reasons = [emptied(host), { kind: "off" as const, host }].map(reasonText);
  const made = (await latestRecords(resultsFile(stack))).filter(({ outcome }) => outcome === "completed");
  const arrival = made.findIndex(({ to }) => to === host);
  return made
    .slice(0, arrival < 0 ? made.length : arrival)
    .filter(({ from }) => from === host)
    .filter(
      ({ reason = "", ...move }) =>
        reasons.includes(reason) || (decision !== undefined && move.decision === decision),
    )
    .map(({ guest, to, totalMs, downtimeMs }) => ({
      ...{ guest, to, totalMs },
      ...(downtimeMs !== undefined && { downtimeMs }),
    }))
    .reverse();
}

/** A storage host that does not answer is told of elsewhere: in a preview it may be one that is started next. */
const isNoted = async ({ storage, host }: HostPowerInputs): Promise<boolean> =>
  (await notedOff(storage).catch((): string[] => [])).includes(host);
