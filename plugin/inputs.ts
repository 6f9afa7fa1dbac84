import * as z from "zod";
import { mostDataDisks, mostNics } from "../libvirt/domain-xml.ts";
import {
  askedOptions,
  concurrentPerHostOption,
  defaultConcurrentPerHost,
  defaultDrift,
  driftOption,
} from "../moves/options.ts";
import { sloSchema } from "../moves/slo.ts";
import type { DomainInputs } from "../provider/domain-resource.ts";
import type { MigrationInputs } from "../provider/migration-resource.ts";

/**
 * What programs say of a Domain and of a Migration. The engine's own types hold these schemas to what it takes; their descriptions are in
 * the package's schema, and in what is said of a mistake.
 */

const section = z.strictObject;
const text = z.string().min(1);
/** The engine changes none of them. */
const names = z.array(text) as z.ZodType<readonly string[], readonly string[]>;
const uuid = z.uuid();
const path = z.string().regex(/^\/[^\0\n]*$/);
const port = z.int().min(1).max(65535);

const ssh = section({
  name: text.describe("the machine's name").meta({ examples: ["host1"] }),
  address: text
    .describe("the address, or a name of ~/.ssh/config, by which this machine reaches it")
    .meta({ examples: ["192.0.2.11"] }),
  port: port.describe("its SSH port").meta({ examples: [22] }),
  user: text
    .describe("the user to log in as; one other than root needs sudo without a password")
    .meta({ examples: ["root"] }),
  privateKeyFile: text
    .optional()
    .describe("the path of the private key, relative to the program's folder or from ~/ on")
    .meta({ otherwise: "the SSH agent and OpenSSH's own defaults" }),
  knownHostsFile: text
    .optional()
    .describe("the path of the host keys that are trusted")
    .meta({ otherwise: "OpenSSH's own files" }),
  hostName: text
    .optional()
    .describe("what ~/.ssh/config makes of the address")
    .meta({ otherwise: "the address" }),
  jump: section({
    address: text.describe("the address of the host on the way"),
    port: port.describe("its SSH port"),
    user: text.optional().describe("the user to log in as there").meta({ otherwise: "as OpenSSH says" }),
    privateKeyFile: text
      .optional()
      .describe("the path of the private key for it")
      .meta({ otherwise: "OpenSSH's own defaults" }),
    identityAgent: text
      .optional()
      .describe("the SSH agent's socket for it")
      .meta({ otherwise: "SSH_AUTH_SOCK's" }),
  })
    .optional()
    .describe("the host over which it is reached")
    .meta({ otherwise: "none" }),
  identityAgent: text.optional().describe("the SSH agent's socket").meta({ otherwise: "SSH_AUTH_SOCK's" }),
  libvirtName: text
    .optional()
    .describe("what libvirt's provider is to call it")
    .meta({ otherwise: "the address" }),
}).meta({ title: "SshTarget" });

export const fleet = section({
  hosts: z
    .record(
      z.string(),
      section({
        ssh: ssh.describe("how this machine reaches it"),
        peerAddress: text
          .describe("the address at which the other hosts reach it, and to which memory is sent")
          .meta({ examples: ["192.0.2.11"] }),
      }),
    )
    .optional()
    .describe("all hosts on which a guest can be, by their names")
    .meta({ otherwise: "those that pages says" }),
  storage: section({
    ssh: ssh.describe("how this machine reaches the storage host"),
    intentDirectory: path
      .describe("a folder of root's on the storage host, where moves under way are written down")
      .meta({ examples: ["/var/lib/kvm-migration-testbed/moves/export-testbed"] }),
    formerDirectory: path
      .optional()
      .describe("where versions before 0.1 wrote them down")
      .meta({ otherwise: "nowhere else" }),
  }).describe("the storage host"),
  pages: names
    .optional()
    .describe("the pages on the storage host that say which hosts there are, as a Testbed writes them")
    .meta({ otherwise: "hosts says it" }),
  without: names
    .optional()
    .describe("hosts on these pages that are lost for good")
    .meta({ otherwise: "none" }),
})
  .refine(({ hosts, pages }) => hosts !== undefined || pages !== undefined, {
    path: ["hosts"],
  })
  .describe("all machines: hosts on which guests can be, and the storage host")
  .meta({ title: "Fleet" });

const accelerator = z.enum(["kvm", "tcg"]);
const transport = z.enum(["kernel", "userspace"]);
const format = z.enum(["qcow2", "raw"]);
const machine = text
  .describe("a machine type of QEMU's that every host knows")
  .meta({ examples: ["pc-q35-7.2"] });
const cpuXml = text
  .optional()
  .describe("a <cpu> element of libvirt's that every host can run")
  .meta({ otherwise: "QEMU's default model" });
const cpu = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
  .optional()
  .describe("a CPU model by its name in libvirt, which every host must have, instead of cpuXml")
  .meta({ examples: ["Westmere"], otherwise: "as cpuXml says" });

const mac = z
  .string()
  .regex(/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/)
  .describe("a MAC address")
  .meta({ examples: ["52:54:00:10:55:ef"] });
const bridge = text.describe("the bridge that it is on, on every host").meta({ examples: ["br0"] });

const spec = section({
  name: z
    .string()
    .regex(/^[a-z]([a-z0-9-]*[a-z0-9])?$/)
    .describe("the guest's name, for life: lower-case letters, digits and hyphens")
    .meta({ examples: ["vm1"] }),
  uuid: uuid
    .describe("the guest's UUID, for life: it is looked for on every host by it")
    .meta({ examples: ["1b7159b2-c702-5eb0-be68-43576be5849d"] }),
  memoryMiB: z
    .int()
    .min(64)
    .max(4_194_304)
    .describe("memory in MiB")
    .meta({ examples: [512] }),
  vcpus: z
    .int()
    .min(1)
    .max(255)
    .describe("the number of CPUs")
    .meta({ examples: [1] }),
  accelerator: accelerator.describe("what runs it: kvm or tcg (emulation)"),
  machine,
  cpuXml,
  cpu,
  firmware: section({
    loader: path.describe("UEFI's code, on every host"),
    template: path.describe("UEFI's variables as a new guest has them, on the host where it is booted first"),
    nvramPath: path.describe("the guest's variables, made on the storage host from the template"),
  })
    .optional()
    .describe("UEFI, for the guest's life")
    .meta({ otherwise: "BIOS" }),
  storage: section({
    transport: transport.describe(
      "who opens its disk: the host's kernel, which mounts the export, or QEMU itself (userspace)",
    ),
    server: text
      .describe("the NFS server's address, as the hosts reach it")
      .meta({ examples: ["192.0.2.10"] }),
    overlayPath: path
      .describe("its disk: a qcow2 file, over the base image if there is one, which must be there")
      .meta({ examples: ["/srv/vm1.qcow2"] }),
    localGiB: z
      .int()
      .min(1)
      .optional()
      .describe(
        "the size of a disk on the host's own file system, which is made there and moves along, in GiB",
      )
      .meta({ otherwise: "it is on the export" }),
    basePath: path
      .optional()
      .describe("the base image")
      .meta({ examples: ["/srv/base.qcow2"], otherwise: "none: the disk stands alone" }),
    baseFormat: format.optional().describe("the base image's format").meta({ otherwise: "there is none" }),
    seedPath: path.optional().describe("a cloud-init seed, an ISO image").meta({ otherwise: "none" }),
  })
    .refine(({ basePath, baseFormat }) => (basePath === undefined) === (baseFormat === undefined), {
      path: ["baseFormat"],
    })
    // One of the host's own is made there, over the base.
    .refine(({ localGiB, basePath }) => localGiB === undefined || basePath !== undefined, {
      path: ["basePath"],
    })
    .describe("its files, whose paths are the same on every host"),
  disks: z
    .array(
      section({
        name: z
          .string()
          .regex(/^[a-z0-9][a-z0-9-]{0,19}$/)
          .describe("its serial number for the guest: /dev/disk/by-id/virtio-<name>"),
        path: path.describe("a qcow2 file that stands alone, on the export, which must be there"),
      }),
    )
    .max(mostDataDisks)
    .optional()
    .describe("disks beside the system's, in the order in which the guest has them")
    .meta({ otherwise: "none" }),
  mac,
  bridge,
  nics: z
    .array(section({ mac, bridge }))
    .max(mostNics)
    .optional()
    .describe("network cards beside the first")
    .meta({ otherwise: "none" }),
  vnc: section({
    port: z.int().min(5900).max(65535).describe("the display's TCP port, the same on every host"),
    listen: text.describe("the address at which it listens").meta({ examples: ["127.0.0.1"] }),
  })
    .optional()
    .describe("its VNC display")
    .meta({ otherwise: "no display" }),
  definition: text
    .optional()
    .describe(
      "the definition of a guest that was imported, as libvirt prints it: it stays as it is but for memory and CPUs, and all else here must say what is in it",
    )
    .meta({ otherwise: "made from the rest" }),
});

export const domainInputs = section({
  spec: spec.describe(
    "what the guest is; a change restarts it where it runs, but for accelerator, machine and CPU: those apply at its next start",
  ),
  vncPassword: z
    .string()
    .regex(/^[\x20-\x7e]{1,8}$/)
    .optional()
    .describe("the VNC display's password, 1 to 8 ASCII characters")
    .meta({ secret: true, otherwise: "none" }),
  host: text
    .describe("the host on which it is defined and booted first; where it runs later is up to its Migration")
    .meta({ examples: ["host1"] }),
  fleet,
});

export const migrationInputs = section({
  guest: text.describe("the guest's name").meta({ examples: ["vm1"] }),
  uuid: uuid
    .describe("the guest's UUID, such as the id of its Domain")
    .meta({ examples: ["1b7159b2-c702-5eb0-be68-43576be5849d"] }),
  to: text.describe("the host where it should run: a change moves it").meta({ examples: ["host2"] }),
  options: askedOptions.describe("the way it moves"),
  drift: driftOption.optional().meta({ otherwise: defaultDrift }),
  slo: sloSchema
    .optional()
    .describe("what a move may cost: one that is predicted to cost more is refused")
    .meta({ otherwise: "no limits" }),
  conditions: section({
    memoryMiB: z
      .int()
      .min(1)
      .describe("the guest's memory in MiB")
      .meta({ examples: [512] }),
    workload: z.json().optional().describe("what the guest keeps doing").meta({ otherwise: "it only idles" }),
    accelerator: accelerator.describe("what runs the guest"),
    nfsTransport: transport.describe("who opens its disk"),
    redo: z.literal("local").optional().describe("where its disk lies").meta({ otherwise: "on the export" }),
  }).describe("what the records of its moves say of the guest"),
  address: z
    .union([z.ipv4(), z.literal("")])
    .optional()
    .describe("the guest's IPv4 address, at which it is looked at while it moves")
    .meta({ examples: ["192.0.2.101"], otherwise: "it is asked for" }),
  platform: section({ accelerator, machine, cpuXml, cpu })
    .optional()
    .describe("what it runs with: the destination is asked whether it can")
    .meta({ otherwise: "it is not asked" }),
  redo: section({
    path: path.describe("the disk's path"),
    basePath: path.describe("the base image"),
    baseFormat: format.describe("the base image's format"),
  })
    .optional()
    .describe("its disk, if that is on the host's own file system: it moves along")
    .meta({ otherwise: "it is on the export" }),
  concurrentPerHost: concurrentPerHostOption.optional().meta({ otherwise: String(defaultConcurrentPerHost) }),
  fleet,
  stack: text
    .optional()
    .describe("records are kept in results/<stack>.jsonl, in the program's folder")
    .meta({ otherwise: "the Pulumi stack's name" }),
  reason: text
    .optional()
    .describe("why it should run there, to be said when it moves")
    .meta({ otherwise: "nothing is said" }),
  drained: names
    .optional()
    .describe("hosts on which no guest should run, whatever drift says")
    .meta({ otherwise: "none" }),
  after: names
    .optional()
    .describe("guests whose moves are over before it begins")
    .meta({ otherwise: "none" }),
  turn: z
    .int()
    .optional()
    .describe("which one it is among moves that wait for the same hosts")
    .meta({ otherwise: "the one that is done soonest goes first" }),
  others: z
    .number()
    .nonnegative()
    .optional()
    .describe("with how many other moves it is expected to share its hosts, on average")
    .meta({ otherwise: "as many as move or wait at its turn" }),
  decision: text
    .optional()
    .describe("when a policy decided that it runs there (ISO, UTC)")
    .meta({ otherwise: "none did" }),
  row: text
    .optional()
    .describe("the URN in whose row progress is shown")
    .meta({ otherwise: "the Migration's" }),
});

/** What the engine takes is what is allowed here. */
true satisfies Takes<DomainInputs, typeof domainInputs>;
true satisfies Takes<Omit<MigrationInputs, "history" | "known">, typeof migrationInputs>;

type Takes<Inputs, Schema extends z.ZodType> =
  Inputs extends z.input<Schema>
    ? Exclude<keyof z.input<Schema>, keyof Inputs> extends never
      ? true
      : never
    : never;
