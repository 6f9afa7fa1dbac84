import * as z from "zod";
import { labReleases } from "../lab/release.ts";
import { defaultMode } from "../moves/options.ts";
import { stackSchema } from "../stacks/config.ts";

/**
 * What an experiment may say: experiments/<name>.yaml. Guests, workloads and the options of moves are said as in a stack's config, by the
 * same schema. Everything is data: which cells there are follows in cells.ts, in which order their moves are made in schedule.ts.
 */

const section = z.strictObject;

/** The name of a way or of a size: it is part of cells' ids and of file names. */
const word = z
  .string()
  .max(48)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9 .+%/-]*$/);

const { guests: stackGuests, hosts: stackHosts, image, lab, affinity, policy } = stackSchema.shape;
const guest = stackGuests.element.omit({ migration: true });
const guests = z
  .array(guest)
  .min(1)
  .describe("a list of the guests, each with a size and a workload of its own, as in a stack's config");

/** The options of a move, as one guest of a stack may have them. What becomes of a guest moved by hand is no part of an experiment. */
const options = stackGuests.element.shape.migration.unwrap().omit({ drift: true, slo: true });

const way = options
  .extend({
    arrangement: z
      .enum(["one-by-one", "at-once", "by-cost"])
      .optional()
      .describe(
        "of all guests together: each with an update of its own, in the order of the file (one-by-one); with one update, all at the same time (at-once) or the cheapest first (by-cost)",
      )
      .meta({ otherwise: "guests move one at a time" }),
    direction: z
      .enum(["forth", "back"])
      .optional()
      .describe("from the first host to the second (forth), or from the second to the first (back)")
      .meta({ otherwise: "forth" }),
  })
  .describe("a way to move: a mode with its options");

const migration = options.describe("options that all ways have, unless they say otherwise");
const linksMiBps = z
  .array(z.number().positive())
  .min(1)
  .describe("the rates to which the link between the hosts is shaped, in MiB/s, one after the other")
  .meta({ examples: [[32]] });
const repeats = z.int().min(1).max(1000).describe("how many moves each cell gets");
const settleSeconds = z
  .number()
  .min(0)
  .max(3600)
  .describe("how long a guest's workload runs before it is moved, in seconds");

const releases = z
  .tuple([z.enum(labReleases), z.enum(labReleases)])
  .describe("the systems of its lab's two hosts, the first's and the second's")
  .meta({ examples: [["debian-12", "debian-13"]] });

const stop = section({
  minutes: z
    .number()
    .positive()
    .optional()
    .describe("how long one run of the command may take, in minutes; the next one goes on")
    .meta({ otherwise: "until all is done" }),
  failuresInARow: z
    .int()
    .min(1)
    .default(3)
    .describe("how many moves may fail one after the other before the run is ended"),
  halfWidthPercent: z
    .number()
    .positive()
    .max(100)
    .optional()
    .describe(
      "a cell gets no more moves when half of the 95 % interval of its median total time, and of its median downtime, is at most so many percent of that median",
    )
    .meta({ examples: [5], otherwise: "every cell gets all its repeats" }),
  atLeast: z
    .int()
    .min(3)
    .default(5)
    .describe("how many moves a cell gets before its interval counts")
    .meta({ examples: [5] }),
}).describe("when it ends early");

const size = section({
  guests: guests.optional(),
  ways: z
    .array(word)
    .min(1)
    .optional()
    .describe("a list of those of the ways that it has, by their names")
    .meta({ examples: [["live", "postcopy"]], otherwise: "all of them" }),
  migration: migration.optional(),
  linksMiBps: linksMiBps.optional(),
  releases: releases.optional(),
  repeats: repeats.optional(),
  settleSeconds: settleSeconds.optional(),
}).describe("what is said otherwise in this size");

export const experimentSchema = section({
  title: z.string().min(1).describe("what it is about, in a line"),
  claims: z
    .boolean()
    .optional()
    .describe("whether its report tests the paper's claims")
    .meta({ otherwise: "those that can be told" }),
  against: word
    .optional()
    .describe("the way that all others are held against: its report tells which is the best, and by how much")
    .meta({ examples: ["live"], otherwise: "none is looked for" }),
  moves: z
    .enum(["each", "all", "decided"])
    .default("each")
    .describe(
      "what one turn moves: a guest by itself (each), all guests of the host (all), or those that the policy moves in one update (decided)",
    ),
  guests,
  hosts: stackHosts
    .optional()
    .describe("with decided: its lab's hosts, with their sizes, as in a stack's config")
    .meta({ otherwise: "two, host1 and host2" }),
  placement: z
    .record(z.string(), z.string())
    .optional()
    .describe("with decided: where each guest is when a turn begins")
    .meta({
      examples: [{ vm1: "host1" }],
      otherwise: "on the first host",
    }),
  policy: policy.describe("with decided: who decides, as in a stack's config").meta({ otherwise: "none" }),
  affinity: affinity
    .unwrap()
    .optional()
    .describe("with decided: which guests are to be apart or together, as in a stack's config"),
  lose: z
    .string()
    .optional()
    .describe(
      "with decided: the host whose power is cut in each turn, right before the update that is told so",
    )
    .meta({ examples: ["host1"], otherwise: "no host is lost" }),
  ways: z
    .record(word, way)
    .refine((ways) => Object.keys(ways).length > 0)
    .default({ [defaultMode]: { mode: defaultMode } })
    .describe("the ways to move, by their names")
    .meta({ examples: [{ live: { mode: "live" } }] }),
  linksMiBps: linksMiBps.optional().meta({ otherwise: "the link is as it is" }),
  migration: migration.prefault({}),
  repeats: repeats.default(5),
  back: z
    .enum(["unmeasured", "measured"])
    .default("unmeasured")
    .describe(
      "the way back to the first host: not measured, so that all moves go in one direction, or measured as any other move, which takes half the time",
    ),
  warmUps: z
    .int()
    .min(0)
    .max(10)
    .default(1)
    .describe("how many moves of each guest come before all others and are left out of all figures"),
  settleSeconds: settleSeconds.default(10),
  stop: stop.prefault({}),
  image: image
    .unwrap()
    .optional()
    .describe("the image that every guest's disk lies over, as in a stack's config"),
  lab: lab.optional().describe("the network of its lab, as in a stack's config").meta({
    otherwise: "one of its own",
  }),
  releases: releases.optional().meta({ otherwise: "that of the lab" }),
  sizes: z
    .record(word, size)
    .default({})
    .describe("other sizes than that of the file, by their names")
    .meta({ examples: [{ paper: { repeats: 10 } }] }),
});

/** An experiment, checked and with its defaults. */
export type Experiment = z.infer<typeof experimentSchema>;
export type ExperimentInput = z.input<typeof experimentSchema>;
export type ExperimentGuest = Experiment["guests"][number];
export type Way = z.infer<typeof way>;

/** The size that the file itself has. */
export const ownSize = "lab";

/**
 * The experiment in one of its sizes.
 *
 * @throws when it has no such size
 */
export function inSize(experiment: Experiment, size: string): Experiment {
  const { sizes, ...own } = experiment;
  if (size === ownSize) return { ...own, sizes: {} };
  const other = sizes[size];
  if (!other) {
    throw new Error(
      `--sizes: there is no "${size}"; sizes are ${[ownSize, ...Object.keys(sizes)].join(", ")}.`,
    );
  }
  const { ways: names, ...others } = other;
  const said = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined));
  const ways = Object.entries(own.ways).filter(([name]) => !names || names.includes(name));
  return { ...own, ...said, ways: Object.fromEntries(ways), sizes: {} };
}
