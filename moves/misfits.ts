import { type HostVersions, isOlder } from "../libvirt/versions.ts";
import { type ModeOption, migrationModes, movesRunning, traitsOf } from "./modes.ts";
import {
  type AskedOptions,
  defaultOnTimeout,
  defaultTransport,
  type MigrationOptions,
  mayUsePostcopy,
} from "./options.ts";

/** An option that its mode, another option or the hosts' versions cannot do. */
export interface Misfit {
  option: keyof MigrationOptions;
  /** Why, as the end of a sentence that begins with the option. */
  problem: string;
  fix: string;
}

/** What runs on the two hosts of a move; or on one of them, twice. */
export type Versions = Record<"from" | "to", Pick<HostVersions, "qemu" | "libvirt">>;

/**
 * Why a guest cannot be moved with these options, before anything is tried.
 *
 * @param versions absent: they are not known yet, and nothing is said that depends on them
 */
export function misfits(options: AskedOptions, versions?: Versions): Misfit[] {
  return [...rules.flatMap((rule) => rule(options) ?? []), ...(versions ? tooOld(options, versions) : [])];
}

/** Why a guest whose overlay moves along cannot be moved with these options. */
export function overlayMisfits({ mode, transport }: AskedOptions): Misfit[] {
  return transport === "tunnelled" && traitsOf(mode).memory === "sent"
    ? [
        {
          option: "transport",
          problem: "tunnelled carries memory alone, and the guest's overlay is local, to be copied by QEMU",
          fix: "take tls, which is encrypted too, or redo: shared",
        },
      ]
    : [];
}

/** The options without those that their mode cannot do: what is said for all guests need not fit this one's mode. */
export function fitting<Options extends AskedOptions>(options: Options): Options {
  const unfit = misfits(options).map(({ option }) => option);
  const kept = Object.entries(options).filter(([option]) => !unfit.includes(option as never));
  return Object.fromEntries(kept) as Options;
}

type Rule = (options: AskedOptions) => Misfit | undefined;

const leaveOut = "leave it out";

/** An option that only some modes know. */
const onlyIn =
  (option: ModeOption, what: string, plain?: string): Rule =>
  (options) => {
    const knowing = migrationModes.filter((mode) => traitsOf(mode).options.includes(option));
    return options[option] === undefined ||
      options[option] === plain ||
      options.mode === "auto" ||
      knowing.includes(options.mode)
      ? undefined
      : {
          option,
          problem: `${what}, and the mode is ${options.mode}`,
          fix: `${leaveOut}, or move ${knowing.join(" or ")}`,
        };
  };

const rules: readonly Rule[] = [
  onlyIn("switchoverMiBps", "says when pre-copy stops the guest"),
  onlyIn("hybrid", "says when pre-copy turns to post-copy"),
  onlyIn("autoConverge", "slows a guest down that gets its memory dirty too fast for pre-copy"),
  onlyIn("compression", "is of memory that pre-copy sends"),
  onlyIn("parallelConnections", "carry a running guest's memory"),
  onlyIn("transport", "is that of a running guest's memory (offline moves go over SSH)", defaultTransport),
  onlyIn("onTimeout", "ends a pre-copy", defaultOnTimeout),

  ({ compression, parallelConnections }) =>
    (compression === "zlib" || compression === "zstd") && parallelConnections === undefined
      ? {
          option: "compression",
          problem: `${compression} is how QEMU compresses parallel connections, and there are none`,
          fix: "give parallelConnections, or take xbzrle",
        }
      : undefined,
  ({ compression, parallelConnections }) =>
    compression === "xbzrle" && parallelConnections !== undefined
      ? {
          option: "compression",
          problem: "xbzrle compresses a single connection, and parallelConnections is given",
          fix: "take zstd or zlib, or leave out parallelConnections",
        }
      : undefined,
  (options) =>
    options.transport === "tunnelled" && mayUsePostcopy(options)
      ? {
          option: "transport",
          problem: "tunnelled has one direction, and post-copy asks for pages",
          fix: "take tls, which is encrypted too",
        }
      : undefined,
  ({ transport, parallelConnections }) =>
    transport === "tunnelled" && parallelConnections !== undefined
      ? {
          option: "transport",
          problem: "tunnelled goes over libvirt's only connection, and parallelConnections is given",
          fix: "take tls, or leave out parallelConnections",
        }
      : undefined,
  ({ transport, port }) =>
    transport === "tunnelled" && port !== undefined
      ? {
          option: "port",
          problem: `${port} would be of a connection of the memory's own, and tunnelled has none`,
          fix: leaveOut,
        }
      : undefined,
];

/** What came with which version. */
const since = {
  /** libvirt: a post-copy that lost its link can be resumed. Before, the guest is lost. */
  postcopyResume: "8.5",
  /** libvirt: compression of parallel connections. */
  parallelCompression: "9.4",
  /** The speed of the switchover. */
  switchoverSpeed: { libvirt: "11.1", qemu: "8.2" },
  /** QEMU: post-copy beside parallel connections; before, it is refused or crashes. */
  parallelPostcopy: "10.1",
} as const;

function tooOld(options: AskedOptions, { from, to }: Versions): Misfit[] {
  const lacks = (program: "qemu" | "libvirt", version: string) =>
    [from[program], to[program]].find((found) => isOlder(found, version));
  const { compression, parallelConnections, mode } = options;
  const found: Misfit[] = [];
  if (!movesRunning(mode)) return found;
  if (mayUsePostcopy(options)) {
    const option = mode === "live" ? "onTimeout" : "mode";
    const libvirt = lacks("libvirt", since.postcopyResume);
    if (libvirt) {
      found.push({
        option,
        problem: `post-copy with libvirt ${libvirt} loses the guest when the link breaks (${since.postcopyResume} can resume it)`,
        fix: "move it live, or upgrade libvirt",
      });
    }
    const qemu = lacks("qemu", since.parallelPostcopy);
    if (qemu && parallelConnections !== undefined) {
      found.push({
        option: "parallelConnections",
        problem: `QEMU ${qemu} has no post-copy beside parallel connections (${since.parallelPostcopy} has)`,
        fix: `${leaveOut}, or upgrade QEMU`,
      });
    }
  }
  const libvirt = lacks("libvirt", since.parallelCompression);
  if ((compression === "zlib" || compression === "zstd") && libvirt) {
    found.push({
      option: "compression",
      problem: `${compression} cannot be asked of libvirt ${libvirt} (of ${since.parallelCompression} it can)`,
      fix: `${leaveOut}, take xbzrle without parallelConnections, or upgrade libvirt`,
    });
  }
  const { switchoverMiBps } = options;
  for (const [name, program] of [
    ["libvirt", "libvirt"],
    ["QEMU", "qemu"],
  ] as const) {
    const version = since.switchoverSpeed[program];
    const old = lacks(program, version);
    if (switchoverMiBps === undefined || old === undefined) continue;
    found.push({
      option: "switchoverMiBps",
      problem: `${switchoverMiBps} cannot be asked of ${name} ${old} (of ${version} it can)`,
      fix: `${leaveOut}, or upgrade ${name}`,
    });
  }
  return found;
}
