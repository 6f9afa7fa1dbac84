import { virsh } from "../../libvirt/virsh.ts";
import { movesRunning } from "../../moves/modes.ts";
import { mayUsePostcopy } from "../../moves/options.ts";
import type { Moving } from "../context/moving.ts";
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
  const firstMiBps = bandwidthShare(limitMiBps, uuid, entries());
  moving.options = { ...options, bandwidthMiBps: firstMiBps };
  /** Undefined: it could not be set, or only in part. */
  let setMiBps: number | undefined = firstMiBps;
  // QEMU has a limit of its own for post-copy, which it keeps until the switch and takes then.
  const kinds = mayUsePostcopy(options) ? [[], ["--postcopy"]] : [[]];
  const limit = async (shareMiBps: number): Promise<boolean> => {
    let isSet = true;
    for (const kind of kinds) {
      const args = ["migrate-setspeed", uuid, String(shareMiBps), ...kind];
      const doing = `limiting the move of guest ${guest}`;
      const { exitCode } = await virsh(source.session, doing, args, { allowFailure: true });
      isSet &&= exitCode === 0;
    }
    return isSet;
  };
  let isBusy = false;
  const look = async () => {
    const shareMiBps = bandwidthShare(limitMiBps, uuid, entries());
    if (isBusy || shareMiBps === setMiBps || !isSending()) return;
    isBusy = true;
    setMiBps = undefined;
    try {
      if (!(await limit(shareMiBps))) return; // and again, as long as it goes on
      setMiBps = shareMiBps;
      tell(`${guest}: sends up to ${shareMiBps} MiB/s from here on, its part of ${limitMiBps}`);
    } finally {
      isBusy = false;
    }
  };
  // The transfer may be over by then, or its host gone: it is the transfer that says so.
  const timer = setInterval(() => void look().catch(() => {}), lookEveryMs);
  try {
    return await transfer();
  } finally {
    clearInterval(timer);
    moving.options = options;
  }
}
