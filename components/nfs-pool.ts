import { basename } from "node:path";
import type * as command from "@pulumi/command";
import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { chooseTransport, type NfsTransport } from "../hosts/nfs-transport.ts";
import { defaultExport, defaultPool } from "../stacks/defaults.ts";
import type { KvmHost } from "./kvm-host.ts";
import { libvirtProvider } from "./libvirt-provider.ts";
import { type HostAccess, SshHost } from "./ssh-host.ts";

export interface NfsPoolArgs {
  /** The machine that serves. */
  readonly storage: HostAccess;
  /** The machines that may mount, and on which guests run. */
  readonly hosts: readonly KvmHost[];
  /** The folder that is exported, on the storage host; hosts mount it at the same path. Default: /export/testbed. */
  readonly export?: string;
  /** Where hosts reach the storage host. Default: the address in `storage`. */
  readonly serverAddress?: pulumi.Input<string>;
  /**
   * The NFS client: the hosts' kernels, or QEMU's own (userspace). Default "auto": kernel if every host's kernel can
   * mount, or else userspace.
   */
  readonly transport?: "auto" | NfsTransport;
  /**
   * The export, the hosts' mounts of it and the storage host's pool are there already: they are used as they are, and stay when this is
   * destroyed. Default: false.
   */
  readonly existing?: boolean;
  /** Names of hosts that may not mount it, as they are lost. Default: none. */
  readonly fenced?: readonly string[];
  /** libvirt's name of the pool. Default: "testbed". */
  readonly pool?: string;
}

/** An image in the pool that guests' disks lie over, and that no guest writes to. */
export interface BaseVolume {
  /** The volume's id, which is its path on the storage host (and where the export is mounted). */
  readonly id: pulumi.Output<string>;
  readonly format: pulumi.Output<"qcow2" | "raw">;
}

/**
 * Storage that every host shares: a folder of the storage host, exported over NFS to these hosts alone, which its firewall lets in, with
 * a libvirt pool on it.
 */
export class NfsPool extends pulumi.ComponentResource {
  readonly storage: SshHost;
  /** Declares libvirt's things on the storage host. */
  readonly provider: libvirt.Provider;
  /** The storage host's address for the hosts. */
  readonly server: pulumi.Output<string>;
  readonly export: string;
  /** libvirt's name of the pool: on the storage host, and on every host that mounts the export. */
  readonly pool: pulumi.Output<string>;
  /** Known once every host has access to the export. */
  readonly transport: pulumi.Output<NfsTransport>;

  constructor(name: string, args: NfsPoolArgs, opts?: pulumi.ComponentResourceOptions) {
    super("testbed:index:NfsPool", name, {}, opts);
    const { hosts, export: folder = defaultExport, transport = "auto", pool = defaultPool } = args;
    this.export = folder;
    this.server = pulumi.output(args.serverAddress ?? args.storage.address);
    this.storage = new SshHost(args.storage.name ?? `${name}-storage`, args.storage, { parent: this });
    const { hostName, deletedWith } = this.storage;

    const wanted = pulumi
      .all(hosts.map(({ host, facts }) => facts.apply((found) => ({ ...found, name: host.hostName }))))
      .apply((found) => chooseTransport(transport, found));
    const server = args.existing
      ? this.#poolThere(name, pool)
      : this.#exported(name, args, pool, this.#clients(name, hosts, args.fenced), wanted);
    const ready = pulumi.all([this.storage.ssh, server.stdout]).apply(([ssh]) => ssh);
    this.provider = libvirtProvider(`${hostName}-libvirt`, ready, { parent: this, deletedWith });
    const storagePool = args.existing
      ? undefined
      : new libvirt.Pool(
          `${name}-${hostName}`,
          { name: pool, type: "dir", target: { path: folder } },
          // pool-forget.sh takes it away: libvirt's own way deletes the folder, which may not be empty.
          { parent: this, provider: this.provider, deletedWith, retainOnDelete: true },
        );

    const members = args.existing
      ? this.#mountsThere(name, hosts, wanted)
      : this.#members(name, hosts, pool, wanted, server);
    this.transport = pulumi
      .all([wanted, pulumi.all(members.map(({ stdout }) => stdout))])
      .apply(([chosen]) => chosen);
    // Known from the start: with another pool, a preview would show every disk in it as replaced.
    this.pool = storagePool?.name ?? pulumi.output(pool);
    this.registerOutputs({
      server: this.server,
      export: folder,
      pool: this.pool,
      transport: this.transport,
    });
  }

  /** The addresses that the hosts have for the server. */
  #clients(name: string, hosts: readonly KvmHost[], fenced: readonly string[] = []): pulumi.Output<string[]> {
    const asked = hosts.map(({ host }) => ({
      isFenced: fenced.includes(host.hostName),
      address: host.script(
        `${name}-${host.hostName}-client`,
        { scripts: ["nfs-client"], variables: { SERVER: this.server } },
        { parent: this },
      ).stdout,
    }));
    const served = asked.filter(({ isFenced }) => !isFenced);
    return pulumi.all(served.map(({ address }) => address)).apply((all) => [...new Set(all)]);
  }

  /** The export, on the storage host. */
  #exported(
    name: string,
    { storage, transport = "auto" }: NfsPoolArgs,
    pool: string,
    clients: pulumi.Output<string[]>,
    wanted: pulumi.Output<NfsTransport>,
  ): command.remote.Command {
    return this.storage.script(
      `${name}-server`,
      {
        scripts: ["packages", "libvirtd", "pool-free", "nfs-ganesha", "nfs-kernel", "firewall"],
        remove: ["firewall", "pool-forget", "nfs-ganesha", "nfs-kernel", "libvirtd"],
        variables: {
          NEEDS: "pool",
          CONTAINER_NEEDS: "nfs_userspace",
          MACHINE_NEEDS: "nfs_kernel",
          MIGRATION_ADDRESS: "",
          LOGIN: storage.user ?? "root",
          POOL: pool,
          EXPORT: this.export,
          TRANSPORT: wanted,
          CLIENTS: clients.apply((all) => all.join(",")),
          OPENS_FOR: "nfs",
          PEERS: clients.apply((all) => all.join(" ")),
          // QEMU's own client speaks NFSv3, which needs further ports.
          TCP_PORTS: transport === "kernel" ? "2049" : "2049 111 mountd",
        },
      },
      { parent: this },
    );
  }

  /** That the storage host has its pool already. */
  #poolThere(name: string, pool: string): command.remote.Command {
    return this.storage.script(
      `${name}-server`,
      {
        scripts: ["packages", "pool-there"],
        variables: {
          ...{ POOL: pool, EXPORT: this.export },
          ...{ NEEDS: "pool", CONTAINER_NEEDS: "", MACHINE_NEEDS: "" },
        },
      },
      { parent: this },
    );
  }

  /** That each host has access to the export already. */
  #mountsThere(
    name: string,
    hosts: readonly KvmHost[],
    wanted: pulumi.Output<NfsTransport>,
  ): command.remote.Command[] {
    const variables = { SERVER: this.server, EXPORT: this.export, TRANSPORT: wanted };
    return hosts.map(({ host }) =>
      host.script(
        `${name}-${host.hostName}`,
        { scripts: ["mount-there", "mount-usable", "nfs-open"], variables },
        { parent: this },
      ),
    );
  }

  /** What gives each host access to the export, and a pool on it where it is mounted. */
  #members(
    name: string,
    hosts: readonly KvmHost[],
    pool: string,
    wanted: pulumi.Output<NfsTransport>,
    server: pulumi.Resource,
  ): command.remote.Command[] {
    return hosts.map(({ host }) =>
      host.script(
        `${name}-${host.hostName}`,
        {
          scripts: ["pool-free", "pool-forget", "nfs-mount", "mount-usable", "nfs-open", "pool-define"],
          remove: ["pool-forget", "nfs-mount"],
          variables: { SERVER: this.server, EXPORT: this.export, TRANSPORT: wanted, POOL: pool },
        },
        { parent: this, dependsOn: [server] },
      ),
    );
  }

  /**
   * Puts an image on this machine into the pool, for guests' disks to lie over, under its file's name. It is uploaded once: what guests
   * wrote fits no other image, so a changed image is for the next pool.
   *
   * @param image.format default: qcow2
   */
  base(
    name: string,
    image: { readonly path: pulumi.Input<string>; readonly format?: pulumi.Input<"qcow2" | "raw"> },
  ): BaseVolume {
    const { id, format } = new libvirt.Volume(
      name,
      {
        name: pulumi.output(image.path).apply((path) => basename(path)),
        pool: this.pool,
        source: image.path,
        format: image.format ?? "qcow2",
      },
      {
        parent: this,
        provider: this.provider,
        deletedWith: this.storage.deletedWith,
        // Another base under the same overlays would be another disk.
        ignoreChanges: ["name", "source", "format"],
        hooks: this.beforeCreate(),
      },
    );
    return { id, format: format as pulumi.Output<"qcow2" | "raw"> };
  }

  /**
   * For a volume of this pool: sees to what stops its provider, which waits for a pool that is not active, and refuses a seed that is
   * there. A killed run may have left one; a refresh that met an inactive pool took the seeds out of the state.
   *
   * @param seed what is made, if it is a guest's seed
   */
  beforeCreate(seed?: {
    readonly name: string;
    readonly uuid: pulumi.Output<string>;
  }): pulumi.ResourceHookBinding {
    const variables = {
      POOL: this.pool,
      EXPORT: this.export,
      SEED: seed?.name ?? "",
      UUID: seed?.uuid ?? "",
    };
    const ready = () =>
      this.storage.now(`making libvirt's pool on ${this.export} ready`, {
        scripts: ["pool-ready"],
        variables,
      });
    return takesHooks() ? { beforeCreate: [ready] } : {};
  }
}

/** Pulumi's mocks take no hooks, and a program with hooks would never end under them. */
const takesHooks = () =>
  "registerResourceHook" in ((pulumi.runtime.getMonitor() as object | undefined) ?? {});
