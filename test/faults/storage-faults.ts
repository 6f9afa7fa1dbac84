import type { Fault } from "./fault.ts";

const nfsStopped = (seconds: number): Fault => ({
  name: `the NFS server stopped for ${seconds} s`,
  strike: ({ stack }) =>
    stack.on("storage", `systemctl stop nfs-ganesha; sleep ${seconds}; systemctl start nfs-ganesha`),
  fix: ({ stack }) => stack.on("storage", "systemctl start nfs-ganesha"),
});

const state = "/var/lib/kvm-migration-testbed";
/** What failed there may have a file open for a moment more. */
const unmount = (folder: string) =>
  `for _ in $(seq 60); do ! mountpoint -q ${folder} && exit; umount ${folder} && exit; sleep 0.5; done; exit 1`;

/** Where the storage host keeps what is known of begun moves. */
export const intents = "/var/lib/kvm-migration-testbed/moves/export-testbed";

export const storageFaults = {
  nfs: nfsStopped(10),
  nfsLong: nfsStopped(75),
  noSpace: {
    name: "no space left for the state file at the destination",
    strike: ({ stack, to }) =>
      stack.on(to, `mkdir -p ${state}/moving && mount -t tmpfs -o size=1m full ${state}/moving`),
    fix: ({ stack, to }) => stack.on(to, unmount(`${state}/moving`)),
  },
  noSpaceForOverlay: {
    name: "no space left for the overlay at the destination, after it was looked for",
    prepare: ({ stack, to }) =>
      stack.on(to, `mkdir -p ${state}/disks && mount -t tmpfs -o size=4g full ${state}/disks`),
    strike: ({ stack, to }) => stack.on(to, `mount -o remount,size=4m ${state}/disks`),
    fix: ({ stack, to }) => stack.on(to, unmount(`${state}/disks`)),
  },
  noSpaceOnStorage: {
    name: "no space left on the storage host, where moves are written down",
    // A page, which is taken.
    prepare: ({ stack }) =>
      stack.on(
        "storage",
        `mkdir -p ${intents} && mount -t tmpfs -o size=4k full ${intents} && echo > ${intents}/full`,
      ),
    fix: ({ stack }) => stack.on("storage", unmount(intents)),
  },
} satisfies Record<string, Fault>;
