import { faults } from "./faults.ts";
import type { Seen, Sort } from "./table.ts";

/** What an update does with a host: one that is switched off or on, or that is lost. */
export const acts = ["off", "on", "lost"] as const;
export type Act = (typeof acts)[number];

/** One fault at one moment of what an update does with a host. */
export interface HostCase {
  act: Act;
  moment: HostMoment;
  fault: "cli" | "provider" | "interruption" | "power";
}

/**
 * noted: it is written down that the host is off, and nothing was done to it yet, or (lost) that its guests may be started elsewhere. dark:
 * it is off, and no update knows. lit: it is on, and nothing has asked it anything. booting: a guest of a lost host runs elsewhere.
 */
export type HostMoment = "noted" | "dark" | "lit" | "booting";

export const hostCases: readonly HostCase[] = [
  ...at("off", "noted", ["cli", "provider", "interruption", "power"]),
  ...at("off", "dark", ["cli", "provider", "interruption", "power"]),
  ...at("on", "lit", ["cli", "provider", "interruption", "power"]),
  ...at("lost", "noted", ["cli", "provider", "interruption", "power"]),
  ...at("lost", "booting", ["cli", "provider", "interruption", "power"]),
];

function at(act: Act, moment: HostMoment, names: readonly HostCase["fault"][]): HostCase[] {
  return names.map((fault) => ({ act, moment, fault }));
}

const words: Record<Act, string> = {
  off: "a host is switched off",
  on: "a host is switched on",
  lost: "guests of a lost host are started elsewhere",
};
const momentWords: Record<HostMoment, string> = {
  noted: "it is noted",
  dark: "it is off",
  lit: "it is on",
  booting: "a guest boots",
};

/** Such as `a host is switched off, once it is noted: Pulumi's CLI killed`. */
export const hostCaseName = ({ act, moment, fault }: HostCase): string =>
  `${words[act]}, once ${momentWords[moment]}: ${faults[fault].name}`;

export type HostSeen = Pick<Seen, "struckUp" | "memory">;

/** Hosts that are switched, or lost, while an update is struck. */
export const hosts: Sort<HostCase, HostSeen> = {
  file: "host-faults.jsonl",
  ending: ".hosts.md",
  cases: hostCases,
  nameOf: hostCaseName,
  head: ["what the update does", "once", "fault", "the struck `up`", "its guest's memory"],
  row: ({ act, moment, fault }, { struckUp, memory }) => [
    ...[words[act], momentWords[moment], faults[fault].name],
    ...[struckUp, memory],
  ],
};
