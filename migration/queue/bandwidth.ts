import { virsh } from "../../libvirt/virsh.ts";
import { movesRunning } from "../../report/record.ts";
import type { Moving } from "../moving.ts";
import { bandwidthShare } from "./admission.ts";
import type { Turn } from "./queue.ts";

const lookEveryMs = 500;

/**
 * Runs a transfer with its part of the bandwidth that it was given, and changes that while other moves come and go.
 *
 * @param isSending whether memory is on its way: before that, libvirt would put the limit that the transfer began with over ours
 */
export async function withBandwidthShare<T>(
  moving: Moving,
  { entries }: Turn,
  isSending: () => boolean,
  transfer: () => Promise<T>,
): Promise<T> {
  const { guest, uuid, source, tell, options } = moving;
  const limitMiBps = options.bandwidthMiBps;
  if (limitMiBps === undefined || !movesRunning(options.mode)) return transfer();
  let setMiBps = bandwidthShare(limitMiBps, uuid, entries());
  moving.options = { ...options, bandwidthMiBps: setMiBps };
  const timer = setInterval(() => {
    const shareMiBps = bandwidthShare(limitMiBps, uuid, entries());
    if (shareMiBps === setMiBps || !isSending()) return;
    setMiBps = shareMiBps;
    tell(`${guest}: sends up to ${shareMiBps} MiB/s from here on, its part of ${limitMiBps}`);
    const phase = moving.intent.phase === "postcopy" ? ["--postcopy"] : [];
    const limit = ["migrate-setspeed", uuid, String(shareMiBps), ...phase];
    // The transfer may be over by then, or its host gone: it is the transfer that says so.
    virsh(source.session, `limiting the move of guest ${guest}`, limit, { allowFailure: true }).catch(
      () => {},
    );
  }, lookEveryMs);
  try {
    return await transfer();
  } finally {
    clearInterval(timer);
    moving.options = options;
  }
}
