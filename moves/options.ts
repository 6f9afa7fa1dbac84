import * as z from "zod";
import { withoutAbsent } from "../libvirt/without-absent.ts";
import { type MigrationMode, migrationModes, traitsOf } from "./modes.ts";

/**
 * How a guest is moved: what a stack's config, the engine and a record mean by an option is said here, once. Units are in the names; what is
 * absent is the hypervisor's own default, unless one is named below.
 */

export const defaultMode = "live" satisfies MigrationMode;
/** QEMU's own. */
export const defaultMaxDowntimeMs = 300;
/** A downtime worth measuring is some tens of this. */
export const defaultProbeIntervalMs = 5;
/** Whoever wants series asks for them. */
export const defaultSampleIntervalMs = 0;
/** How long a move may take unless another time is given. */
export const defaultTimeoutMs = 600_000;
/** What becomes of a pre-copy after that. */
export const defaultOnTimeout = "abort";
export const defaultTransport = "tcp";
/** Where libvirt lets a guest's memory in: its migration_port_min and migration_port_max. */
export const libvirtPorts = { first: 49152, last: 49215 } as const;
/** How many moves a host takes part in at a time, by default. */
export const defaultConcurrentPerHost = 2;

const hybrid = z
  .strictObject({
    afterPasses: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe("the number of passes of pre-copy over the guest's memory")
      .meta({ examples: [2], otherwise: "1, unless afterMs is given" }),
    afterMs: z
      .int()
      .min(1)
      .max(86_400_000)
      .optional()
      .describe("the time of pre-copy, in ms")
      .meta({ examples: [30_000], otherwise: "no limit" }),
  })
  .describe("when a hybrid move turns from pre-copy to post-copy: whichever of these comes first")
  .meta({ otherwise: "after one pass" });

/** Passes of pre-copy before post-copy; undefined: until a time, however many that are. */
export const passesBeforePostcopy = ({ afterPasses, afterMs }: z.infer<typeof hybrid>): number | undefined =>
  afterPasses ?? (afterMs === undefined ? 1 : undefined);

const percent = z.int().min(1).max(99);
const autoConverge = z
  .strictObject({
    initial: percent
      .optional()
      .describe("the percentage of its time that the guest's CPUs first lose")
      .meta({ examples: [20], otherwise: "QEMU's, 20" }),
    increment: percent
      .optional()
      .describe("how many percent more they lose each time that this was not enough")
      .meta({ examples: [10], otherwise: "QEMU's, 10" }),
  })
  .describe(
    "slows a guest down that gets its memory dirty too fast for pre-copy, until it converges; {} with QEMU's own figures",
  )
  .meta({ examples: [{}], otherwise: "it is not slowed down" });

/** As they are asked for: `auto` leaves the mode open until the guest was measured. */
export const askedOptions = z.strictObject({
  mode: z
    .enum([...migrationModes, "auto"])
    .describe(
      "the way a guest moves: the one that suits what it does (auto); running, its memory sent before (live), after (postcopy) or partly before and partly after (hybrid) it goes on at the destination; suspended to a file (offline); shut down and started (cold)",
    ),
  maxDowntimeMs: z
    .int()
    .min(1)
    .max(2_000_000)
    .describe("the longest pause that pre-copy (live, hybrid) may end with, in ms")
    .optional(),
  bandwidthMiBps: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe(
      "a limit to the speed at which a running guest's memory is sent, in MiB/s, shared by moves that leave or enter a host at the same time",
    )
    .meta({ otherwise: "no limit" }),
  switchoverMiBps: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe(
      "the speed at which what is left of a pre-copy (live, hybrid) can be sent once the guest's CPUs stop, in MiB/s: by it QEMU decides whether that takes no longer than maxDowntimeMs",
    )
    .meta({ otherwise: "what was sent in the last 100 ms, which bandwidthMiBps limits" }),
  hybrid: hybrid.optional(),
  autoConverge: autoConverge.optional(),
  compression: z
    .enum(["zlib", "zstd", "xbzrle"])
    .optional()
    .describe(
      "the compression of memory: of pages that were sent before (xbzrle), or of all that goes over parallel connections (zlib, zstd)",
    )
    .meta({ otherwise: "none" }),
  parallelConnections: z
    .int()
    .min(1)
    .max(255)
    .optional()
    .describe("the number of connections that share a running guest's memory")
    .meta({ examples: [4], otherwise: "one, not in QEMU's parallel way" }),
  transport: z
    .enum(["tcp", "tls", "tunnelled"])
    .optional()
    .describe(
      "the way of a running guest's memory: plain TCP, TLS with certificates that are made for the testbed, or inside libvirt's connection, over SSH (tunnelled)",
    )
    .meta({ otherwise: defaultTransport }),
  port: z
    .int()
    .min(1024)
    .max(65535)
    .optional()
    .describe("the destination's TCP port for a running guest's memory")
    .meta({ otherwise: `a free one of ${libvirtPorts.first} to ${libvirtPorts.last}` }),
  timeoutMs: z
    .int()
    .min(1000)
    .max(86_400_000)
    .describe("the time after which a move is given up, in ms, unless onTimeout says otherwise")
    .optional(),
  onTimeout: z
    .enum(["abort", "postcopy", "suspend"])
    .optional()
    .describe(
      "what becomes of a pre-copy (live, hybrid) after timeoutMs: given up (abort), ended by post-copy, or ended with the guest paused (suspend)",
    )
    .meta({ otherwise: defaultOnTimeout }),
  probeIntervalMs: z
    .int()
    .min(0)
    .max(1000)
    .optional()
    .describe(
      "the time between two probes, in ms, by which the storage host sees how long a moving guest is silent; 0: none",
    )
    .meta({ otherwise: String(defaultProbeIntervalMs) }),
  sampleIntervalMs: z
    .int()
    .min(0)
    .max(10_000)
    .multipleOf(50)
    .optional()
    .describe(
      "the time between two looks at the CPUs and the network of both hosts, in ms, kept as series with the guest's own work while it is moved; 0: none",
    )
    .meta({ examples: [250], otherwise: String(defaultSampleIntervalMs) }),
  throughput: z
    .boolean()
    .optional()
    .describe(
      "whether the storage host sends to a guest, as much as it takes, to see what a live or offline move does to that",
    )
    .meta({ otherwise: "no: it is a load of its own" }),
});

/** What is asked for beside a move's own options: of a guest that is not where it was put. */
export const driftOption = z
  .enum(["return", "adopt", "error"])
  .describe(
    "what becomes of a guest that someone moved by hand: moved back, kept there, or the update stops",
  );
export type Drift = z.infer<typeof driftOption>;
export const defaultDrift = "return" satisfies Drift;

export const concurrentPerHostOption = z
  .int()
  .min(1)
  .max(100)
  .describe("how many moves a host takes part in at a time, as source or destination; others wait");

export type AskedOptions = z.infer<typeof askedOptions>;

/** The same with the mode decided. */
export type MigrationOptions = Omit<AskedOptions, "mode"> & { mode: MigrationMode };

/** What of the options changes how long a move takes: what a record keeps of them. */
const recordedKeys = {
  maxDowntimeMs: true,
  bandwidthMiBps: true,
  switchoverMiBps: true,
  hybrid: true,
  autoConverge: true,
  compression: true,
  parallelConnections: true,
  transport: true,
  timeoutMs: true,
  onTimeout: true,
} as const;

/** A schema without limits: a record of another version's, with other limits, can be read all the same. */
function unlimited(schema: z.core.$ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional) return unlimited(schema.unwrap()).optional();
  if (schema instanceof z.ZodNumber) return z.number().nonnegative();
  if (schema instanceof z.ZodObject) return z.object(unlimitedShape(schema.shape));
  return schema as z.ZodType;
}

const unlimitedShape = <Shape extends z.core.$ZodShape>(shape: Shape): Shape =>
  Object.fromEntries(
    Object.entries(shape).map(([key, schema]) => [key, unlimited(schema)]),
  ) as unknown as Shape;

export const recordedOptions = z.object(unlimitedShape(askedOptions.pick(recordedKeys).shape));

/** What a record keeps of options. */
export const toRecord = (options: MigrationOptions): z.infer<typeof recordedOptions> =>
  withoutAbsent(
    Object.fromEntries(
      Object.keys(recordedKeys).map((key) => [key, options[key as keyof typeof recordedKeys]]),
    ),
  );

/** Whether libvirt is to be ready for post-copy. */
export function mayUsePostcopy({ mode, onTimeout }: AskedOptions): boolean {
  const { postcopy } = traitsOf(mode);
  return postcopy === "always" || (postcopy === "on timeout" && onTimeout === "postcopy");
}
