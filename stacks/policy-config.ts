import * as z from "zod";
import { policies, policyKinds } from "../placement/policies/policies.ts";
import { defaultSettings } from "../placement/terms/settings.ts";
import { nameText, section } from "./config-texts.ts";

// Who decides where guests run, and by which rules.

const { weights, limits, startAt, minGain, keepOn, savingPerGiB } = defaultSettings;
const weight = z.number().min(0).max(100);
const share = z.number().gt(0).max(1);

const policyTexts = policyKinds
  .flatMap((kind) => (kind === "pinned" ? [] : [`${kind} ${policies[kind].does}`]))
  .join("; ");

export const policySection = section({
  kind: z
    .enum(policyKinds)
    .default("pinned")
    .describe(
      `who decides where guests run: their placement alone (pinned), or without one a policy: ${policyTexts}`,
    ),
  weights: section({
    memory: weight.default(weights.memory).describe("the weight of memory"),
    vcpus: weight.default(weights.vcpus).describe("the weight of vCPUs"),
    cpu: weight.default(weights.cpu).describe("the weight of CPUs that are kept busy"),
  })
    .prefault({})
    .describe("how much the difference of hosts' use of each counts; 0 leaves one out"),
  load: z
    .enum(["measured", "declared"])
    .default("measured")
    .describe(
      "how busy guests are: sampled each minute on the hosts (measured), or not looked at (declared: memory and vCPUs alone)",
    ),
  windowMinutes: z.int().min(5).max(1440).default(60).describe("how many minutes of these samples count"),
  startAt: z
    .number()
    .min(0)
    .max(1)
    .default(startAt)
    .describe("the imbalance below which balance moves nothing, as a share of a host"),
  minGain: z
    .number()
    .min(0)
    .max(1)
    .default(minGain)
    .describe("what a move of ordinary cost must gain, as a share of one host"),
  maxMoves: z
    .int()
    .min(1)
    .max(10_000)
    .default(10)
    .describe("how many guests an update moves for balance's sake"),
  maxMinutes: z
    .number()
    .positive()
    .default(30)
    .describe("how many minutes these moves may take by prediction, made as they are"),
  restMinutes: z
    .number()
    .min(0)
    .default(15)
    .describe(
      "how many minutes a guest that was moved stays where it is, doubled with each move of the last 24 hours, at most 6 hours, and a host that consolidate has switched stays as it is; not on drained hosts, nor against firm rules",
    ),
  limits: section({
    memory: share.default(limits.memory).describe("the share of a host's memory, after its reserve"),
    cpu: share.default(limits.cpu).describe("the share of its CPUs that is kept busy"),
    vcpuRatio: z.number().gt(0).max(100).default(limits.vcpuRatio).describe("the number of vCPUs a CPU"),
  })
    .prefault({})
    .describe("how full a host may get"),
  spare: z
    .union([z.literal(0), z.literal(1)])
    .default(0)
    .describe("how many hosts may be lost without a guest left without a place, where that can be had"),
  validMinutes: z
    .number()
    .positive()
    .default(10)
    .describe("how many minutes an update does what a preview decided"),
  consolidate: section({
    keepOn: z.int().min(1).max(1000).default(keepOn).describe("how many hosts are to stay in use, at least"),
    savingPerGiB: z
      .number()
      .min(0)
      .default(savingPerGiB)
      .describe("the watts that must be saved for each GiB that is moved to empty a host"),
  })
    .prefault({})
    .describe("what consolidate empties"),
})
  .describe("who decides where guests run that have no placement")
  .meta({ examples: [{ kind: "balance" }], otherwise: "none: each guest has a placement" });

const guestNames = z.array(nameText.describe("a guest's name").meta({ examples: ["vm1"] })).min(1);

export const affinitySection = section({
  name: nameText.describe("a name for the rule").meta({ examples: ["db"] }),
  apart: guestNames
    .optional()
    .describe("guests that are to be on different hosts")
    .meta({
      examples: [["db1", "db2"]],
      otherwise: "another kind of rule",
    }),
  together: guestNames
    .optional()
    .describe("guests that are to be on one host")
    .meta({
      examples: [["web1", "cache1"]],
      otherwise: "another kind of rule",
    }),
  guests: guestNames
    .optional()
    .describe("guests that are to be on certain hosts (on)")
    .meta({
      examples: [["vm3"]],
      otherwise: "another kind of rule",
    }),
  on: z
    .array(nameText.describe("a host's name").meta({ examples: ["host1"] }))
    .min(1)
    .optional()
    .describe("the hosts on which `guests` are to be")
    .meta({ examples: [["host1", "host2"]], otherwise: "another kind of rule" }),
  firm: z.boolean().default(true).describe("whether it must be kept (true) or is only wished (false)"),
});
