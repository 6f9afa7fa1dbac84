import { expect, test } from "vitest";
import { Testbed } from "../../components/testbed.ts";
import { parseStackConfig } from "../../stacks/checks/parse.ts";
import type { StackInput } from "../../stacks/config.ts";
import { planStack } from "../../stacks/plan.ts";
import { labInput, metalInput, mistakesIn } from "../unit/helpers/config-stack.ts";
import { answers as hostAnswers } from "./hosts.ts";
import { type Answers, record } from "./recorder.ts";

// Resources are told apart by what they are called, and they are called after hosts, guests and disks, beside words of our own.

const image = {
  path: "/cache/debian-12-0a1b.qcow2",
  sha256: "0".repeat(64),
  format: "qcow2",
  virtualSizeBytes: 2 ** 31,
  name: "debian-12",
  user: "debian",
};
const answers: Answers = (type, name, inputs) => {
  if (/-image(-[a-z]+)*-file$/.test(name)) return { stdout: JSON.stringify(image) };
  if (type.endsWith("testbed:Domain")) return { bootedOn: "a", boots: 1, state: "running" };
  if (type.endsWith("testbed:Migration")) return { host: "a", moves: 0, history: [] };
  return hostAnswers(type, name, inputs);
};

/** What stands beside a host's name, or could stand in its place, where something of its is called after it. */
const besideHosts = ["server", "client", "only", "ca"];
const hosts = ["a", ...besideHosts, ...besideHosts.map((word) => `a-${word}`)].map((name, at) => ({
  name,
  address: `192.0.2.${at + 20}`,
}));
/** The same for guests. */
const besideGuests = ["overlay", "disk-x"].flatMap((word) => [word, `g-${word}`]);
const disks = ["x", "disk-x", "overlay", "x-overlay", "x-disk-y"].map((name) => ({ name, sizeGiB: 1 }));
const guests = ["g", ...besideGuests].map((name) => ({
  name,
  disks,
}));

const everything = (kind: "lab" | "metal"): StackInput => {
  const smallest = kind === "lab" ? labInput() : metalInput();
  return {
    ...smallest,
    hosts: kind === "lab" ? hosts.map(({ name }) => ({ name })) : hosts,
    guests: guests as StackInput["guests"],
    placement: Object.fromEntries(guests.map(({ name }) => [name, "a"])),
    migration: { transport: "tls" },
  };
};

/** Without the hosts, guests and disks whose names are refused. */
function accepted(input: StackInput): StackInput {
  const refused = mistakesIn(input).map(({ path }) => path);
  const isIn = (path: string) => refused.includes(`testbed:${path}.name`);
  const left = input.guests
    .map((guest, at) => ({
      ...guest,
      disks: (guest.disks ?? []).filter((_, nth) => !isIn(`guests[${at}].disks[${nth}]`)),
    }))
    .filter((_, at) => !isIn(`guests[${at}]`));
  return { ...input, hosts: input.hosts.filter((_, at) => !isIn(`hosts[${at}]`)), guests: left };
}

test.each(["lab", "metal"] as const)(
  "no two resources of a testbed are called alike, whatever its hosts, guests and disks are called: %s",
  async (kind) => {
    const input = accepted(everything(kind));
    const plan = planStack(parseStackConfig(input, "lab"), "lab");
    const { declared } = await record(() => new Testbed("testbed", plan), answers);
    const urns = declared.map(({ urn }) => urn);
    expect(urns.length).toBeGreaterThan(100);
    expect(urns.filter((urn, at) => urns.indexOf(urn) !== at)).toEqual([]);
  },
);
