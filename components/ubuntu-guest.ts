import * as command from "@pulumi/command";
import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { v5 as uuidV5 } from "uuid";
import { localOverlayPath } from "../fleet/overlay.ts";
import { type CardAddress, cloudInit, type GuestNetwork } from "../guests/cloud-init.ts";
import { packed } from "../guests/packed.ts";
import type { Workload } from "../guests/workload.ts";
import type { DomainSpec } from "../libvirt/domain-xml.ts";
import { defaultDiskGiB } from "../stacks/defaults.ts";
import { Domain } from "./domain.ts";
import { projectFile } from "./files.ts";
import type { HostCluster } from "./host-cluster.ts";
import type { BaseVolume } from "./nfs-pool.ts";
import type { SshKey } from "./ssh-key.ts";
import type { Uefi } from "./uefi.ts";

export interface UbuntuGuestArgs {
  /** The guest's name, hostname and name in libvirt. Default: the component's name. */
  readonly guestName?: string;
  /** The host on which it is booted first. */
  readonly host: pulumi.Input<string>;
  readonly memoryMiB: number;
  /** Default: 1. */
  readonly vcpus?: number;
  /** The size of the disk as the guest sees it. Default: 14. */
  readonly diskGiB?: number;
  /**
   * Where its overlay (on the base image) lies: on the pool, or on the disk of the host where it is, to be moved along. For
   * life. Default: shared.
   */
  readonly redo?: "shared" | "local";
  /** A CPU model of libvirt's that every host has. Default: the best that all hosts can give. */
  readonly cpu?: string;
  /** Its firmware, for life. Default: BIOS. */
  readonly uefi?: Uefi;
  /** Disks beside the system's, on the pool, each for the guest by its name (/dev/disk/by-id/virtio-<name>). Default: none. */
  readonly disks?: readonly { readonly name: string; readonly sizeGiB: number }[];
  readonly mac: string;
  /**
   * Network cards beside the first. Default: none.
   *
   * `bridge`: default the cluster's. `cidr`: an IPv4 address with its prefix length, for life; default: what is set in the guest.
   */
  readonly nics?: readonly (Partial<CardAddress> & { readonly mac: string; readonly bridge?: string })[];
  /** Default: DHCP. */
  readonly network?: GuestNetwork;
  /** Default: no display. */
  readonly vnc?: { readonly port: number; readonly listen: string; readonly password?: pulumi.Input<string> };
  /** What it keeps doing, from its first boot on. Default: nothing. */
  readonly workload?: Workload;
  /** The account in the guest: it may use sudo, and logs in with `key`. */
  readonly user: pulumi.Input<string>;
  readonly key: SshKey;
  /** Where it can run, and what it runs with there. */
  readonly cluster: HostCluster;
  /** What its disk lies over, of the cluster's pool. */
  readonly base: BaseVolume;
}

/**
 * A guest whose disk is a qcow2 overlay, on the pool or on its host, over one of the pool's base images; set up by cloud-init, on the bridge, able to run on
 * every host. Ready means that it can be logged in to over SSH, and that its workload is at work.
 */
export class UbuntuGuest extends pulumi.ComponentResource {
  readonly guestName: string;
  readonly uuid: pulumi.Output<string>;
  readonly domain: Domain;
  /** Known once it can be logged in to there; empty when its address comes by DHCP. */
  readonly address: pulumi.Output<string>;
  readonly memoryMiB: number;

  constructor(name: string, args: UbuntuGuestArgs, opts?: pulumi.ComponentResourceOptions) {
    super("testbed:index:UbuntuGuest", name, {}, opts);
    const { cluster, key, network, vnc } = args;
    this.guestName = args.guestName ?? name;
    this.memoryMiB = args.memoryMiB;
    // The same as long as the testbed's key is: a run that died before it could write the state finds its guest again.
    this.uuid = key.publicKey.apply((publicKey) => uuidV5(`${publicKey} ${this.guestName}`, uuidV5.URL));

    const overlayPath =
      args.redo === "local"
        ? this.uuid.apply((uuid) => localOverlayPath(this.guestName, uuid))
        : this.#overlay(name, args).id;
    const disks = (args.disks ?? []).map((disk) => ({
      name: disk.name,
      path: this.#disk(`${name}-disk-${disk.name}`, disk, cluster).id,
    }));
    const seed = this.#seed(name, args);
    this.domain = new Domain(
      `${name}-domain`,
      {
        spec: this.#spec(args, overlayPath, seed, disks),
        vncPassword: vnc?.password,
        host: args.host,
        fleet: cluster.fleet,
      },
      { parent: this, deletedWith: cluster.pool.storage.deletedWith },
    );
    this.address = network
      ? this.#ready(name, args, network).stdout.apply(() => network.address)
      : this.domain.boots.apply(() => "");
    this.registerOutputs({ uuid: this.uuid, address: this.address });
  }

  /** The overlay on the pool. */
  #overlay(name: string, { cluster, base, diskGiB = defaultDiskGiB }: UbuntuGuestArgs): libvirt.Volume {
    return new libvirt.Volume(
      `${name}-overlay`,
      {
        name: `${this.guestName}.qcow2`,
        pool: cluster.pool.pool,
        format: "qcow2",
        baseVolumeId: base.id,
        size: diskGiB * 2 ** 30,
      },
      // What the guest wrote belongs on the base it was written over.
      {
        ...this.#onPool(cluster),
        ignoreChanges: ["baseVolumeId", "size"],
        hooks: cluster.pool.beforeCreate(),
      },
    );
  }

  /** A disk on the pool, empty at first. A guest's name has no dot, so that no other's file is called like it. */
  #disk(
    name: string,
    disk: { readonly name: string; readonly sizeGiB: number },
    cluster: HostCluster,
  ): libvirt.Volume {
    return new libvirt.Volume(
      name,
      {
        name: `${this.guestName}.${disk.name}.qcow2`,
        pool: cluster.pool.pool,
        format: "qcow2",
        size: disk.sizeGiB * 2 ** 30,
      },
      // Another size would be another, empty one.
      { ...this.#onPool(cluster), ignoreChanges: ["size"], hooks: cluster.pool.beforeCreate() },
    );
  }

  /** What cloud-init reads at the first boot. */
  #seed(
    name: string,
    { cluster, key, user, mac, nics = [], network, workload }: UbuntuGuestArgs,
  ): libvirt.CloudinitDisk {
    const others = nics.flatMap(({ mac: card, cidr }) => (cidr === undefined ? [] : [{ mac: card, cidr }]));
    const texts = pulumi.all([this.uuid, user, key.publicKey]).apply(([uuid, login, publicKey]) =>
      cloudInit({
        uuid,
        hostname: this.guestName,
        user: login,
        authorizedKeys: [publicKey],
        mac,
        ...(network && { address: network }),
        others,
        workload,
      }),
    );
    const seedName = `${this.guestName}-seed.iso`;
    return new libvirt.CloudinitDisk(
      `${name}-seed`,
      {
        name: seedName,
        pool: cluster.pool.pool,
        userData: texts.userData.apply(packed),
        metaData: texts.metaData,
        networkConfig: texts.networkConfig,
      },
      {
        ...this.#onPool(cluster),
        // It is read at the first boot, and lies open under the guest from then on: a later version's texts are for new guests.
        ignoreChanges: ["userData", "networkConfig"],
        deleteBeforeReplace: true,
        hooks: cluster.pool.beforeCreate({ name: seedName, uuid: this.uuid }),
      },
    );
  }

  /** For a file of the guest's on the pool. */
  #onPool(cluster: HostCluster) {
    const { provider, storage } = cluster.pool;
    // The hosts have their part of the pool by then.
    return { parent: this, provider, deletedWith: storage.deletedWith, dependsOn: [cluster] };
  }

  /** What the guest is, once all that it is made from is known. */
  #spec(
    args: UbuntuGuestArgs,
    overlayPath: pulumi.Output<string>,
    seed: libvirt.CloudinitDisk,
    disks: readonly { name: string; path: pulumi.Output<string> }[],
  ): pulumi.Output<DomainSpec> {
    const { base, vnc, nics = [] } = args;
    const { common } = args.cluster;
    const { memoryMiB, vcpus = 1, diskGiB = defaultDiskGiB, cpu, mac, redo } = args;
    return pulumi
      .output({
        uuid: this.uuid,
        accelerator: common.accelerator,
        machine: common.machine,
        cpuXml: common.cpuXml,
        transport: common.transport,
        server: common.server,
        overlayPath,
        basePath: base.id,
        baseFormat: base.format,
        // The provider's id of a seed is its path and, behind a semicolon, a uuid of its own.
        seedPath: seed.id.apply((id) => id.split(";")[0] as string),
        bridgeName: common.bridge,
        uefi: args.uefi?.files,
        export: args.cluster.pool.export,
        disks: pulumi.all(disks.map(({ path }) => path)),
      })
      .apply((known) => ({
        name: this.guestName,
        uuid: known.uuid,
        memoryMiB,
        vcpus,
        accelerator: known.accelerator,
        machine: known.machine,
        ...(cpu === undefined ? { cpuXml: known.cpuXml } : { cpu }),
        ...(known.uefi && {
          firmware: { ...known.uefi, nvramPath: `${known.export}/${this.guestName}-uefi.fd` },
        }),
        storage: {
          transport: known.transport,
          server: known.server,
          overlayPath: known.overlayPath,
          ...(redo === "local" && { localGiB: diskGiB }),
          basePath: known.basePath,
          baseFormat: known.baseFormat,
          seedPath: known.seedPath,
        },
        ...(disks.length > 0 && {
          disks: disks.map(({ name }, at) => ({ name, path: known.disks[at] as string })),
        }),
        mac,
        bridge: known.bridgeName,
        ...(nics.length > 0 && {
          nics: nics.map(({ mac: card, bridge = known.bridgeName }) => ({ mac: card, bridge })),
        }),
        ...(vnc && { vnc: { port: vnc.port, listen: vnc.listen } }),
      }));
  }

  /** Waits until the guest can be logged in to, and its workload is at work: again after each boot. */
  #ready(
    name: string,
    { key, cluster, user, workload }: UbuntuGuestArgs,
    network: GuestNetwork,
  ): command.local.Command {
    const { ssh, deletedWith } = cluster.pool.storage;
    return new command.local.Command(
      `${name}-ready`,
      {
        create: `bash ${projectFile("guests", "ready.sh")}`,
        environment: {
          GUEST: this.guestName,
          GUEST_ADDRESS: network.address,
          GUEST_USER: user,
          KEY_FILE: key.path,
          JUMP: ssh.apply((storage) => `${storage.user}@${storage.address}:${storage.port}`),
          JUMP_KEY_FILE: ssh.apply(({ privateKeyFile }) => privateKeyFile ?? ""),
          JUMP_KNOWN_HOSTS: ssh.apply(({ knownHostsFile }) => knownHostsFile ?? ""),
          ...(workload && workload.type !== "idle" && { WORKLOAD: workload.type }),
          BOOTS: this.domain.boots.apply(String),
        },
        logging: command.local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      { parent: this, deletedWith },
    );
  }
}
