import { world } from "../unit/helpers/simulated-session.ts";
import { uuid } from "./crashes.ts";

// What a person does between two runs of our program.

/** Returns false where libvirt refuses it. */
export type Deed = () => boolean;

const virsh = (host: string, ...command: string[]): boolean => world.byHand(host, command) === 0;

/**
 * Whoever starts a guest has looked for it: what else is on is at most a copy that was restored, or was let in and left. One that libvirt has
 * paused in the middle of something may go on by itself: whoever starts another beside it has made two.
 */
const start = (host: string) =>
  world.machines.every(({ domains }) => {
    const other = domains.get(uuid);
    return other === undefined || other.state === "inactive" || isRestored(other);
  }) && virsh(host, "start", uuid);

const isRestored = ({ state, reason, job }: { state: string; reason: string; job?: string }) =>
  state === "paused" &&
  reason === "migrating" &&
  job === undefined &&
  world.machine("host1").files.has(statePath);

const statePath = `/var/lib/kvm-migration-testbed/moving/${uuid}.state`;

/** libvirt lets nobody in to a copy that it waits for: it has no definition yet. */
const resume = (host: string) =>
  world.machine(host).domains.get(uuid)?.persistent === true && virsh(host, "resume", uuid);
const save = (host: string) => virsh(host, "managedsave", uuid);
const end = (host: string) => virsh(host, "destroy", uuid);
/** From then on it writes to another file. A guest that is off has nothing in there yet. */
const snapshot = (host: string) => virsh(host, "snapshot-create-as", uuid, "S");
const undefine = (host: string) => virsh(host, "undefine", uuid);

/** As the guest is defined, or was, wherever that is. */
const define = (host: string): boolean => {
  const known = world.machines.map(({ domains }) => domains.get(uuid)?.xml).find(Boolean);
  return (
    world.byHand(
      host,
      ["define", "/dev/stdin"],
      known ?? world.machine("host1").definitionOf({ uuid, name: "vm1" }),
    ) === 0
  );
};

const shutDown = (host: string): boolean => {
  const done = virsh(host, "shutdown", uuid);
  for (let i = 0; i < 6; i++) world.tick();
  return done;
};

const migrate = (from: string, to: string, ...flags: string[]) =>
  virsh(from, "migrate", "--live", ...flags, uuid, `qemu+ssh://root@${world.machine(to).address}/system`);

const snapshots = (host: string): [string, Deed][] => [
  [`makes a snapshot of it on ${host}`, () => snapshot(host)],
  [`makes a snapshot of it on ${host} and ends it`, () => snapshot(host) && end(host)],
  [
    `makes a snapshot of it on ${host}, starts it and ends it later`,
    () => snapshot(host) && start(host) && end(host),
  ],
  [`saves its memory on ${host} after a snapshot`, () => snapshot(host) && save(host)],
];

/** All that a person may do, on any of the hosts. */
export function deeds(hosts: readonly string[], overlay: "shared" | "local"): [name: string, deed: Deed][] {
  // Nobody makes a guest of an overlay's copy that this program still writes, nor defines one under libvirt's hands.
  const mayDefineOn = (host: string) => overlay === "shared" || host !== "host2";
  const onEach = hosts.flatMap((host): [string, Deed][] => [
    [`starts it on ${host}`, () => start(host)],
    [`starts it on ${host} and ends it later`, () => start(host) && end(host)],
    [`starts it on ${host} and pauses it`, () => start(host) && virsh(host, "suspend", uuid)],
    [`ends it on ${host}`, () => end(host)],
    [`ends it on ${host} and starts it again`, () => end(host) && start(host)],
    [`shuts it down on ${host}`, () => shutDown(host)],
    [`saves its memory on ${host}`, () => save(host)],
    [`saves its memory on ${host} and starts it again`, () => save(host) && start(host)],
    [
      `saves its memory on ${host}, starts it elsewhere and ends it later`,
      () => {
        const elsewhere = hosts.find((other) => other !== host) as string;
        return (
          save(host) &&
          mayDefineOn(elsewhere) &&
          define(elsewhere) &&
          start(elsewhere) &&
          end(elsewhere) &&
          undefine(elsewhere)
        );
      },
    ],
    ...(overlay === "shared" ? snapshots(host) : []),
    [`pauses it on ${host}`, () => virsh(host, "suspend", uuid)],
    [`resumes it on ${host}`, () => resume(host)],
    [`resumes it on ${host} and ends it later`, () => resume(host) && end(host)],
    [`undefines it on ${host}`, () => undefine(host)],
    [`ends and undefines it on ${host}`, () => end(host) && undefine(host)],
    [`defines it on ${host}`, () => mayDefineOn(host) && define(host)],
    [`defines and starts it on ${host}`, () => mayDefineOn(host) && define(host) && start(host)],
    [
      `defines and starts it on ${host} and ends it later`,
      () => mayDefineOn(host) && define(host) && start(host) && end(host),
    ],
    [
      `defines and starts it on ${host}, ends and undefines it later`,
      () => mayDefineOn(host) && define(host) && start(host) && end(host) && undefine(host),
    ],
  ]);
  const moves = hosts.flatMap((from) =>
    hosts
      .filter((to) => to !== from)
      .flatMap((to): [string, Deed][] => [
        [`migrates it from ${from} to ${to}`, () => migrate(from, to)],
        [
          `migrates it from ${from} to ${to} as this program does`,
          () => migrate(from, to, "--persistent", "--undefinesource"),
        ],
      ]),
  );
  return [...onEach, ...moves];
}
