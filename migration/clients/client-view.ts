import { setTimeout as sleep } from "node:timers/promises";
import { withoutAbsent } from "../../libvirt/without-absent.ts";
import { boots } from "../../moves/modes.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import type { ClockReading } from "../../ssh/session.ts";
import type { Moving } from "../context/moving.ts";
import { type Clocks, rounded } from "../measuring/measure.ts";
import type { Witness } from "../measuring/witness.ts";
import { latencyAround } from "./answer-latency.ts";
import { missedTime } from "./guest-clock.ts";
import type { Answers, Prober } from "./prober.ts";
import {
  greatest,
  lengthOf,
  type Silence,
  silenceAround,
  unansweredAround,
  usualSilenceMs,
} from "./silence.ts";

/** How long to wait for an answer of a guest that runs: longer than ARP takes to ask again. */
const answerTimeoutMs = 2_000;
/** How long to wait for one that boots. */
const bootTimeoutMs = 300_000;

/** How closely what the guest's clock missed should be known, and how long to look at it for that: a busy guest answers late. */
const fineMs = 1;
const looksMs = 2_000;

type View = Partial<
  Pick<
    MigrationRecord,
    "clientDowntimeMs" | "clientProbeIntervalMs" | "client" | "guestDowntimeMs" | "guestClockResolutionMs"
  >
>;

/** What the prober saw of a move that is done; waits until the guest answers again. What it could not see is absent. */
export async function clientView(
  prober: Prober,
  { guest, options, destination, timeoutMs, tell }: Moving,
  heard: Pick<Witness, "stoppedAt" | "resumedAt">,
  clocks: Clocks,
): Promise<View> {
  if (heard.stoppedAt === undefined || heard.resumedAt === undefined) return {};
  const without = (why: string): View => {
    tell(`${guest}: its downtime as a client sees it is not known: ${why}`);
    return {};
  };
  const asked = `${prober.host}'s probes (${prober.address}, ICMP and TCP)`;
  const own = await prober.ownClock();
  if (!own) return without(`no prober could be started on ${prober.host}; it needs python3 and root`);
  const at = (seconds: number, { offsetMs }: ClockReading) => own.at(seconds * 1000 - offsetMs);
  const stopped = {
    startMs: at(heard.stoppedAt, clocks.source),
    endMs: at(heard.resumedAt, clocks.destination),
  };
  if (!prober.answers.all.some(({ arrivedMs }) => arrivedMs < stopped.startMs)) {
    return without(`the guest did not answer ${asked} before it was stopped`);
  }
  const isBooting = boots(options.mode);
  if (isBooting) tell(`${guest}: boots on ${destination.name}; waiting until it answers`);
  const waitMs = isBooting ? Math.min(bootTimeoutMs, timeoutMs) : answerTimeoutMs;
  if (!(await prober.answerTo(stopped.endMs, waitMs))) {
    return without(`the guest did not answer ${asked} within ${waitMs / 1000} s after it ran again`);
  }
  const misplacedMs = own.uncertaintyMs + clocks.source.uncertaintyMs + clocks.destination.uncertaintyMs;
  const deadlineMs = performance.now() + looksMs;
  for (;;) {
    const view = viewOf(prober, stopped, misplacedMs, isBooting);
    const isFine = (view.guestClockResolutionMs ?? Number.POSITIVE_INFINITY) <= fineMs;
    if (isBooting || isFine || !prober.answers.tellsTime || performance.now() > deadlineMs) return view;
    await sleep(50);
  }
}

/**
 * The fields of a record.
 *
 * @param stopped when the guest's CPUs stood still, by the prober's clock, wrong by `misplacedMs` at most
 * @param isBooting the guest's clock starts again: it missed nothing
 */
export function viewOf(
  { host, intervalMs, answers }: { host: string; intervalMs: number; answers: Answers },
  stopped: Silence,
  misplacedMs: number,
  isBooting: boolean,
): View {
  const { all } = answers;
  // A client sees a stop shorter than an interval only as the silence next to it.
  const slackMs = intervalMs + misplacedMs;
  const silence = silenceAround(all, stopped, slackMs);
  if (!silence) return {};
  const unanswered = unansweredAround(all, stopped, intervalMs, slackMs);
  const usual = usualSilenceMs(all, silence.startMs);
  const late = answers.batches.filter(({ atMs }) => atMs >= silence.startMs && atMs <= silence.endMs + 200);
  const worst = greatest(late, ({ lateMs }) => lateMs);
  const protocols = (["icmp", "tcp"] as const).map((protocol) => {
    const own = all.filter((answer) => answer.protocol === protocol);
    const alone = silenceAround(own, stopped, slackMs);
    return withoutAbsent({
      protocol,
      sent: answers.sent[protocol],
      lost: Math.max(0, answers.sent[protocol] - answers.answered[protocol]),
      silenceMs: alone && rounded(lengthOf(alone)),
    });
  });
  const missed = isBooting ? undefined : missedTime(all, silence);
  return withoutAbsent({
    clientDowntimeMs: rounded(lengthOf(silence)),
    clientProbeIntervalMs: intervalMs,
    client: withoutAbsent({
      prober: host,
      protocols,
      unansweredMs: unanswered === undefined ? undefined : rounded(unanswered),
      usualSilenceMs: usual === undefined ? undefined : rounded(usual),
      proberLateMs: worst && rounded(worst.lateMs),
      latency: latencyAround(all, stopped.startMs, silence, intervalMs),
    }),
    guestDowntimeMs: missed && rounded(Math.max(0, missed.missedMs)),
    guestClockResolutionMs: missed && Math.ceil(missed.resolutionMs * 10) / 10,
  });
}
