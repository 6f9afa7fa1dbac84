import { guestAddress } from "../libvirt/guest-address.ts";
import type { ClockReading } from "../libvirt/ssh-session.ts";
import type { MigrationRecord } from "../report/record.ts";
import { missedTime } from "./guest-clock.ts";
import { type Clocks, rounded } from "./measure.ts";
import type { Moving } from "./moving.ts";
import { Prober } from "./prober.ts";
import type { MigrationRequest } from "./request.ts";
import { lengthOf, type Silence, silenceAround, usualSilenceMs } from "./silence.ts";
import type { Witness } from "./witness.ts";

const defaultIntervalMs = 5;
/** How long to wait for an answer of a guest that runs: longer than ARP takes to ask again. */
const answerTimeoutMs = 2_000;
/** The same for one that boots. */
const bootTimeoutMs = 300_000;

type View = Partial<
  Pick<
    MigrationRecord,
    "clientDowntimeMs" | "clientProbeIntervalMs" | "client" | "guestDowntimeMs" | "guestClockResolutionMs"
  >
>;

/** Begins to look at the guest as its clients do, from the storage host. Absent: it is not to be, or nobody knows the guest's address. */
export async function startProber(
  { guest, uuid, source, storage, tell }: Moving,
  { address, options: { probeIntervalMs = defaultIntervalMs } }: MigrationRequest,
): Promise<Prober | undefined> {
  if (probeIntervalMs === 0) return undefined;
  const known = address || (await guestAddress(source.session, guest, uuid));
  if (known) return new Prober(storage, known, probeIntervalMs);
  tell(
    `${guest}: its downtime as a client sees it is not measured: its address comes by DHCP, and neither a guest agent nor ${source.name} knows it`,
  );
  return undefined;
}

/** What the prober saw of a move that is done; waits until the guest answers again. What it could not see is absent. */
export async function clientView(
  prober: Prober | undefined,
  { guest, intent, destination, timeoutMs, tell }: Moving,
  heard: Pick<Witness, "stoppedAt" | "resumedAt">,
  clocks: Clocks,
): Promise<View> {
  if (!prober || heard.stoppedAt === undefined || heard.resumedAt === undefined) return {};
  const without = (why: string): View => {
    tell(`${guest}: its downtime as a client sees it is not known: ${why}`);
    return {};
  };
  const asked = `${prober.host}'s probes (${prober.address}, ICMP and TCP port 22)`;
  const place = await prober.onItsClock().catch(() => undefined);
  if (!place) return without(`no prober could be started on ${prober.host}; it needs python3 and root`);
  const on = (seconds: number, { offsetMs }: ClockReading) => place(seconds * 1000 - offsetMs);
  const stopped = {
    startMs: on(heard.stoppedAt, clocks.source),
    endMs: on(heard.resumedAt, clocks.destination),
  };
  if (!prober.answers.some(({ arrivedMs }) => arrivedMs < stopped.startMs)) {
    return without(`the guest did not answer ${asked} before it was stopped`);
  }
  const boots = intent.mode === "cold";
  if (boots) tell(`${guest}: boots on ${destination.name}; waiting until it answers`);
  const waitMs = boots ? Math.min(bootTimeoutMs, timeoutMs) : answerTimeoutMs;
  if (!(await prober.answerAfter(stopped.endMs, waitMs))) {
    return without(`the guest did not answer ${asked} within ${waitMs / 1000} s after it ran again`);
  }
  const slackMs = prober.intervalMs + clocks.source.uncertaintyMs + clocks.destination.uncertaintyMs;
  return viewOf(prober, stopped, slackMs, boots);
}

/** The fields of a record. @param boots the guest's clock begins anew: it missed nothing */
export function viewOf(
  prober: Pick<Prober, "host" | "intervalMs" | "answers" | "sent" | "answered" | "late">,
  stopped: Silence,
  slackMs: number,
  boots: boolean,
): View {
  const counted = prober.answers.filter(({ question }) => question !== "clock");
  const silence = silenceAround(counted, stopped, slackMs);
  if (!silence) return {};
  const usual = usualSilenceMs(counted, silence.startMs);
  const late = prober.late.filter(({ atMs }) => atMs >= silence.startMs && atMs <= silence.endMs + 200);
  const protocols = (["echo", "tcp"] as const).map((question) => {
    const ofIt = counted.filter((answer) => answer.question === question);
    const alone = silenceAround(ofIt, stopped, slackMs);
    return {
      protocol: question === "echo" ? ("icmp" as const) : question,
      sent: prober.sent[question],
      lost: Math.max(0, prober.sent[question] - prober.answered[question]),
      ...(alone && { silenceMs: rounded(lengthOf(alone)) }),
    };
  });
  const missed = boots ? undefined : missedTime(prober.answers, silence);
  return {
    clientDowntimeMs: rounded(lengthOf(silence)),
    clientProbeIntervalMs: prober.intervalMs,
    client: {
      prober: prober.host,
      protocols,
      ...(usual !== undefined && { usualSilenceMs: rounded(usual) }),
      proberLateMs: rounded(Math.max(0, ...late.map(({ lateMs }) => lateMs))),
    },
    ...(missed && {
      guestDowntimeMs: rounded(Math.max(0, missed.missedMs)),
      guestClockResolutionMs: Math.ceil(missed.resolutionMs * 10) / 10,
    }),
  };
}
