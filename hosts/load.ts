import { versionOf } from "./script.ts";

/** Where scripts/load-sample.sh leaves its samples on a host: a file for each hour of the day, which is its name. */
const folder = "/var/lib/kvm-migration-testbed/load";

/** How far a host's samples are apart. */
const sampleSeconds = 60;

/** What scripts/load.sh is to be told. */
export const samplerVariables = (): Record<string, string> => ({
  EVERY: String(sampleSeconds),
  SAMPLER: versionOf("load-sample"),
});

/** What a host says of what kept it and its guests busy. */
export interface HostSamples {
  /** How many CPUs it has; in a lab, those of the machine that all its hosts are on. */
  cpus: number;
  /** How far samples are apart, those of one guest and those of the host. */
  everySeconds: number;
  host: UsageSample[];
  guests: GuestSample[];
}

/** Somebody's CPU time up to a moment. */
export interface UsageSample {
  /** The host's start that it is in, and seconds since that one. */
  boot: string;
  atSeconds: number;
  cpuSeconds: number;
}

export interface GuestSample extends UsageSample {
  uuid: string;
  /** What counted: of another one nothing can be subtracted. */
  counter: string;
}

/** Samples that a host sends at most, of each guest. Of more it sends one of two, or fewer: counters go on, so nothing is lost of the mean. */
const mostSamples = 120;

/**
 * What `parseLoad` reads; bash. Any user may ask it. A host that takes no samples says so by having none.
 *
 * What is older than the window is left out: by the time since the boot, in which no clock jumps, or else by the clock.
 */
export const loadQuestion = (windowMinutes: number): string => `echo "cpus $(nproc)"
read -r boot < /proc/sys/kernel/random/boot_id
read -r up rest < /proc/uptime
shopt -s nullglob
awk -v boot="\${boot%%-*}" -v up="$up" -v now="$EPOCHSECONDS" -v window=${windowMinutes * 60} '
  $NF != "." || NF != ($1 == "host" ? 7 : $1 == "guest" ? 9 : 0) { next }
  { ago = $3 "" == boot "" ? up - $4 / 1000 : now - $2 }
  ago < 0 || ago > window { next }
  ago > longest { longest = ago }
  { said[++lines] = $1 == "host" ? "host " $3 " " $4 " " $5 : "guest " $3 " " $4 " " $5 " " $6 " " $7; at[lines] = $4; start[lines] = $3 }
  END {
    every = ${sampleSeconds} * (1 + int(longest / ${sampleSeconds * mostSamples}))
    print "every", every
    for (line = 1; line <= lines; line++) {
      slot = start[line] " " int(at[line] / 1000 / every)
      if (!(slot in sent)) sent[slot] = at[line]
      if (every == ${sampleSeconds} || sent[slot] == at[line]) print said[line]
    }
  }' /dev/null ${folder}/[0-2][0-9]`;

const uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const hostLine = /^host ([0-9a-f]{8}) (\d+) (\d+)$/gm;
const guestLine = new RegExp(`^guest ([0-9a-f]{8}) (\\d+) (${uuid}) ([cp]\\d*) (\\d+)$`, "gm");

/** Lines that are not as they should be are passed over. Undefined: this is not what was asked for. */
export function parseLoad(printed: string): HostSamples | undefined {
  const figure = (key: string) => Number(new RegExp(`^${key} ([1-9]\\d*)$`, "m").exec(printed)?.[1]);
  const [cpus, everySeconds] = [figure("cpus"), figure("every")];
  if (Number.isNaN(cpus) || Number.isNaN(everySeconds)) return undefined;
  return {
    cpus,
    everySeconds,
    host: [...printed.matchAll(hostLine)].map(([, boot = "", atMs, busyMs]) => ({
      boot,
      atSeconds: Number(atMs) / 1000,
      cpuSeconds: Number(busyMs) / 1000,
    })),
    guests: [...printed.matchAll(guestLine)].map(([, boot = "", atMs, uuid = "", counter = "", cpuNs]) => ({
      boot,
      atSeconds: Number(atMs) / 1000,
      cpuSeconds: Number(cpuNs) / 1e9,
      uuid,
      counter,
    })),
  };
}
