import { setTimeout as sleep } from "node:timers/promises";
import { guestAddress } from "../../libvirt/guest-address.ts";
import { boots } from "../../moves/modes.ts";
import { defaultProbeIntervalMs } from "../../moves/options.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import type { Sampled } from "../../moves/sampled.ts";
import type { MoveSamples } from "../../moves/samples.ts";
import type { Moving } from "../context/moving.ts";
import type { Clocks } from "../measuring/measure.ts";
import type { Stopwatch } from "../measuring/stopwatch.ts";
import type { Witness } from "../measuring/witness.ts";
import { clientView } from "./client-view.ts";
import { latencySeconds, latencyThrough, patienceMs } from "./latency-over-time.ts";
import { Prober } from "./prober.ts";
import { type Stream, startStream } from "./stream.ts";

/** What plays the guest's clients on a third machine, the storage host, while the guest is moved. */
export interface Clients {
  prober?: Prober;
  stream?: Stream;
}

/**
 * Starts them; none if nobody knows the guest's address, which is told once.
 *
 * @param address the guest's; absent or empty: by DHCP, so it is asked for
 */
export async function startClients(moving: Moving, address: string | undefined): Promise<Clients> {
  const { mode, probeIntervalMs = defaultProbeIntervalMs, throughput } = moving.options;
  const streams = throughput === true && !boots(mode);
  if (probeIntervalMs === 0 && !streams) return {};
  const { guest, uuid, source, storage, tell } = moving;
  const known = address || (await guestAddress(source.session, guest, uuid));
  if (!known) {
    tell(
      `${guest}: its downtime as a client sees it is not measured: its address comes by DHCP, and neither a guest agent nor ${source.name} knows it`,
    );
    return {};
  }
  const prober = probeIntervalMs === 0 ? undefined : new Prober(storage, known, probeIntervalMs);
  const stream = streams ? await startStream(moving, known) : undefined;
  if (streams && !stream) {
    tell(
      `${guest}: the throughput of its move is not measured: no listener could be started in it (that needs qemu-guest-agent and python3 in the guest)`,
    );
  }
  return { ...(prober && { prober }), ...(stream && { stream }) };
}

/** Lets them keep what they see around the guest's stop. */
export function keepSwitchover({ prober }: Clients, witness: Pick<Witness, "onSource">): void {
  if (!prober) return;
  witness.onSource(({ event }) => {
    if (event === "STOP" || event === "SHUTDOWN") prober.answers.keep();
    if (event === "RESUME") prober.answers.stopKeeping();
  });
}

/** What they saw of a move that is done; waits until the guest answers them again. A stream has then nothing more to tell. */
export async function clientFigures(
  { prober, stream }: Clients,
  moving: Moving,
  heard: Pick<Witness, "stoppedAt" | "resumedAt">,
  clocks: Clocks,
  startedAt: Date,
): Promise<Partial<MigrationRecord>> {
  const [view, throughput] = await Promise.all([
    prober && clientView(prober, moving, heard, clocks),
    stream?.throughput(startedAt.getTime()).finally(() => stream.stop()),
  ]);
  return { ...view, ...(throughput && { throughput }) };
}

/** How long a guest answers before its move, so that it is known how long its answers usually take. */
const baselineMs = 1_000;

/** Waits until it has answered for so long, but no longer than twice that. */
export async function baselineKnown({ prober }: Clients): Promise<void> {
  if (!prober) return;
  const { all, batches } = prober.answers;
  const knownMs = () => (batches.at(-1)?.atMs ?? 0) - (all[0]?.arrivedMs ?? Number.POSITIVE_INFINITY);
  const deadlineMs = performance.now() + 2 * baselineMs;
  while (knownMs() < baselineMs && !prober.isOver && performance.now() < deadlineMs) await sleep(50);
}

/**
 * How long answers took through a move that is done, once those of its last questions have had their time. Absent: there is no prober, or it does
 * not know all of the move.
 */
export async function latencyOfMove(
  { prober }: Clients,
  watch: Stopwatch,
  endMs: number,
): Promise<Sampled["latency"]> {
  const beganMs = (await prober?.ownClock())?.at(watch.beganMs);
  if (!prober || beganMs === undefined) return undefined;
  const deadlineMs = performance.now() + 2 * patienceMs;
  for (;;) {
    const latency = latencyThrough(prober.answers, beganMs, beganMs + endMs);
    if (latency || prober.isOver || performance.now() > deadlineMs) return latency;
    await sleep(50);
  }
}

/** The same as a series, until now. */
export async function latencySeries({ prober }: Clients, watch: Stopwatch): Promise<MoveSamples["latency"]> {
  const beganMs = (await prober?.ownClock())?.at(watch.beganMs);
  if (!prober || beganMs === undefined) return undefined;
  const seconds = latencySeconds(prober.answers, beganMs);
  if (seconds.length === 0) return undefined;
  return { prober: prober.host, probeIntervalMs: prober.intervalMs, seconds };
}

export async function stopClients({ prober, stream }: Clients): Promise<void> {
  await Promise.all([prober?.stop(), stream?.stop()]);
}
