import { defaultOnTimeout, type MigrationOptions } from "../../moves/options.ts";

/** What is known of a job of libvirt's at a look. */
export interface JobLook {
  /**
   * `reversible`: a pre-copy or a save, after whose end the guest goes on at the source. `postcopy`: there is no way back.
   * `other`: nothing that is to be cancelled from here. `none`: it has ended.
   */
  job: "reversible" | "postcopy" | "other" | "none";
  /** For how long it has been watched. */
  atMs: number;
  timeoutMs: number;
  /** Of a pre-copy whose time is over. Default: abort. */
  onTimeout?: MigrationOptions["onTimeout"];
  isCancelled: boolean;
  /** How long it takes until post-copy's time comes, if nothing else happens; 0: it has come. Default: never. */
  postcopyDueInMs?: number | undefined;
  /** libvirt has told nothing of it for some time. */
  isSilent?: boolean;
  /** What may be sent by now, and what was allowed last; undefined: that is not known. Absent: no limit, or nothing is sent yet. */
  limit?: { shareMiBps: number; setMiBps: number | undefined } | undefined;
  patience: Patience;
  done: JobHistory;
}

/** How long the watcher waits. */
interface Patience {
  /** For the end of a job that was cancelled. */
  abortMs: number;
  /** To say once more that a post-copy goes on. */
  tellMs: number;
}

/** The run that began it sees its end and its progress. */
export const ofOwnJob: Patience = { abortMs: Number.POSITIVE_INFINITY, tellMs: Number.POSITIVE_INFINITY };
/** A job that is cancelled ends within a moment. */
export const ofFoundJob: Patience = { abortMs: 30_000, tellMs: 60_000 };

type Why = "time" | "cancelled";

/** What a look comes to: one thing, the most urgent. */
export type JobVerdict =
  | { do: "go-on" }
  /** It has ended. */
  | { do: "leave" }
  /** Cancels it: the guest stays at the source. */
  | { do: "give-up"; why: Why }
  | { do: "turn-to-postcopy"; why: "due" | "time" }
  /** The guest is paused, so that no more of its memory gets dirty. */
  | { do: "pause" }
  /** Says that it goes on all the same. */
  | { do: "no-way-back"; why: Why }
  /** Sees whether one endpoint of a post-copy is gone. */
  | { do: "see-loss" }
  /** Changes the bandwidth that it may use. */
  | { do: "limit"; shareMiBps: number }
  /** Throws: it works on the guest for longer than it may, and nothing ends it. */
  | { do: "fail" };

/** What was done about a job until now; what is under way counts. */
export interface JobHistory {
  gaveUpAtMs?: number;
  /** Turning to post-copy, or turned; reset if that was too early. */
  isTurning?: boolean;
  /** Paused, or otherwise brought to its end, since its time was over. */
  isLate?: boolean;
  toldLateAtMs?: number;
  toldCancelled?: boolean;
  seesLoss?: boolean;
  limits?: boolean;
}

/** What is to be done about a job, from what is seen of it alone. */
export function verdictOn(look: JobLook): JobVerdict {
  const { job, atMs, timeoutMs, isCancelled, patience, done } = look;
  if (job === "none") return { do: "leave" };
  if (job === "postcopy") return onPostcopy(look);
  if (done.gaveUpAtMs !== undefined) {
    return atMs > done.gaveUpAtMs + patience.abortMs ? { do: "fail" } : { do: "go-on" };
  }
  const isLate = atMs >= timeoutMs;
  if (job === "other") return isLate ? { do: "fail" } : { do: "go-on" };
  if (isCancelled) return { do: "give-up", why: "cancelled" };
  return (isLate && !done.isLate && onTime(look)) || onDue(look) || onLimit(look) || { do: "go-on" };
}

function onTime({ onTimeout = defaultOnTimeout, done }: JobLook): JobVerdict | undefined {
  if (onTimeout === "suspend") return { do: "pause" };
  if (onTimeout === "abort") return { do: "give-up", why: "time" };
  return done.isTurning ? undefined : { do: "turn-to-postcopy", why: "time" };
}

const onDue = ({ postcopyDueInMs = Number.POSITIVE_INFINITY, done }: JobLook): JobVerdict | undefined =>
  postcopyDueInMs <= 0 && !done.isTurning ? { do: "turn-to-postcopy", why: "due" } : undefined;

const onLimit = ({ limit, done }: JobLook): JobVerdict | undefined =>
  limit && limit.shareMiBps !== limit.setMiBps && !done.limits
    ? { do: "limit", shareMiBps: limit.shareMiBps }
    : undefined;

function onPostcopy(look: JobLook): JobVerdict {
  const { atMs, timeoutMs, isCancelled, isSilent, patience, done } = look;
  if (isCancelled && !done.toldCancelled) return { do: "no-way-back", why: "cancelled" };
  const tellAtMs = done.toldLateAtMs === undefined ? timeoutMs : done.toldLateAtMs + patience.tellMs;
  if (atMs >= tellAtMs) return { do: "no-way-back", why: "time" };
  if (isSilent && !done.seesLoss) return { do: "see-loss" };
  return onLimit(look) ?? { do: "go-on" };
}

/** The same with what a verdict says, as soon as that is begun. */
export function noted(done: JobHistory, verdict: JobVerdict, atMs: number): JobHistory {
  switch (verdict.do) {
    case "give-up":
      return { ...done, gaveUpAtMs: atMs };
    case "turn-to-postcopy":
      return { ...done, isTurning: true, ...(verdict.why === "time" && { isLate: true }) };
    case "pause":
      return { ...done, isLate: true };
    case "no-way-back":
      return verdict.why === "time" ? { ...done, toldLateAtMs: atMs } : { ...done, toldCancelled: true };
    case "see-loss":
      return { ...done, seesLoss: true };
    case "limit":
      return { ...done, limits: true };
    default:
      return done;
  }
}

const lookEveryMs = 500;

/** When to look again, if nothing is heard meanwhile. */
export function nextLookInMs({ atMs, timeoutMs, postcopyDueInMs = 0 }: JobLook): number {
  const ahead = [timeoutMs - atMs, postcopyDueInMs].filter((ms) => ms > 0);
  return Math.ceil(Math.min(lookEveryMs, ...ahead));
}
