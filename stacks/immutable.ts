import { isDeepStrictEqual } from "node:util";
import type { CardAddress } from "../guests/cloud-init.ts";
import { workloadSchema } from "../guests/workload.ts";
import { parseSource } from "../images/source.ts";
import { type Mistake, pathText } from "./mistake.ts";
import type { PastGuest, PastImage, PastStack } from "./past.ts";
import type { GuestPlan, Plan } from "./plan.ts";
import { inFlow, list } from "./words.ts";

/** Whether something is to change that guests which are there already have for life. */
export function checkImmutable(past: PastStack, plan: Plan): Mistake[] {
  return [
    ...poolChange(past, plan),
    ...imageChanges(past, plan),
    ...plan.guests.flatMap((guest, at) => guestChanges(past, guest, at)),
  ];
}

/** A key of a guest's that has an effect at its first boot alone. */
interface Immutable {
  key: string;
  /** What it was made with, in the plan's terms; undefined: that is not known. */
  before(guest: PastGuest): unknown;
  now(guest: GuestPlan): unknown;
  /** `vm1 was made with …` */
  words(value: unknown): string;
  because: string;
}

const immutable: readonly Immutable[] = [
  {
    // The records of its moves would tell of a load that was not there.
    key: "workload",
    // Settings that it was made without, as there were none yet, are what they are by default.
    before: ({ workload }) => workloadSchema.safeParse(workload).data ?? workload,
    now: ({ workload }) => workload,
    words: inFlow,
    because: "a guest gets its workload at its first boot",
  },
  {
    key: "address",
    before: ({ address }) => address,
    now: ({ network }) => network?.address ?? "",
    words: (address) => (address === "" ? "an address by DHCP" : `the address ${address}`),
    because: "a guest gets its address at its first boot",
  },
  {
    key: "firmware",
    before: ({ firmware }) => firmware,
    now: ({ firmware = "bios" }) => firmware,
    words: (firmware) => `firmware ${firmware}`,
    because: "its disk was set up for that one",
  },
  {
    key: "diskGiB",
    before: ({ diskGiB }) => diskGiB,
    now: ({ diskGiB }) => diskGiB,
    words: (gib) => `a disk of ${gib} GiB`,
    because: "a disk keeps the size that it was made with",
  },
  {
    key: "nics",
    before: ({ cardAddresses }) => cardAddresses,
    now: ({ nics }) => nics.flatMap(({ mac, cidr }) => (cidr === undefined ? [] : [{ mac, cidr }])),
    words: (cards) => addressesText(cards as readonly CardAddress[]),
    because: "a guest gets its addresses at its first boot (a card without one can be added)",
  },
];

const addressesText = (cards: readonly CardAddress[]): string =>
  cards.length === 0
    ? "no address on a card beside its first"
    : list(cards.map(({ mac, cidr }) => `${cidr} on the card ${mac}`));

/** Disks may come and go; one that stays keeps its size. */
function diskChanges(
  { name, disks: before = [] }: PastGuest,
  { disks }: GuestPlan,
  index: number,
): Mistake[] {
  return disks.flatMap((disk, at) => {
    const was = before.find((each) => each.name === disk.name);
    if (was === undefined || was.sizeGiB === disk.sizeGiB) return [];
    return [
      {
        path: pathText(["guests", index, "disks", at, "sizeGiB"]),
        problem: `${name}'s disk ${disk.name} was made with ${was.sizeGiB} GiB, and a disk keeps the size that it was made with`,
        fix: "put that back, or add a disk of another name and copy in the guest what it has",
      },
    ];
  });
}

function guestChanges(past: PastStack, guest: GuestPlan, index: number): Mistake[] {
  const { name } = guest;
  const earlier = past.guests.find((each) => each.name === name);
  if (earlier === undefined) return [];
  const forLife = immutable.flatMap(({ key, before, now, words, because }) => {
    const was = before(earlier);
    if (was === undefined || isDeepStrictEqual(was, now(guest))) return [];
    return [
      {
        path: pathText(["guests", index, key]),
        problem: `${name} was made with ${words(was)}, and ${because}`,
        fix: "put that back, or give the guest another name: this one is then removed with its disk, and a new one is made",
      },
    ];
  });
  return [...forLife, ...diskChanges(earlier, guest, index)];
}

function poolChange({ pool: before, guests }: PastStack, { storage: { pool } }: Plan): Mistake[] {
  if (before === undefined || before === pool || guests.length === 0) return [];
  return [
    {
      path: pathText(["storage", "pool"]),
      problem: `the guests' files are in libvirt's pool ${before}, and do not move to another one`,
      fix: `put ${before} back; for another pool, destroy the stack first`,
    },
  ];
}

/** The base image stays under its guests' disks; with another one they would be logged in to as someone whom they do not know. */
function imageChanges({ guests }: PastStack, { image: now }: Plan): Mistake[] {
  const others = guests.filter(({ image }) => image !== undefined && !isSame(image, now));
  const before = others[0]?.image;
  if (before === undefined) return [];
  const { source, sha256 } = before;
  const names = `${list(others.map(({ name }) => name))} ${others.length === 1 ? "was" : "were"}`;
  const own = isOwn(source);
  return [
    {
      path: pathText(["image", isSameSource(source, now.source) ? "sha256" : "source"]),
      problem: `${names} made with the image ${source}${own ? ` (SHA-256 ${sha256})` : ""}, over which a guest's disk lies for life`,
      fix: `put that back${own ? ", or give this sum as image.sha256 if it is the same file elsewhere" : ""}; for another image, destroy the stack first`,
    },
  ];
}

function isSame(before: PastImage, now: Plan["image"]): boolean {
  const isSameFile = now.sha256 === before.sha256;
  return isSameSource(before.source, now.source)
    ? now.sha256 === undefined || isSameFile
    : isOwn(before.source) && isOwn(now.source) && isSameFile;
}

const isSameSource = (one: string, other: string) => isDeepStrictEqual(parseSource(one), parseSource(other));

/** Named images have an account of their own, which the same file does not have under its path. */
const isOwn = (source: string) => ["path", "url"].includes(parseSource(source).kind);
