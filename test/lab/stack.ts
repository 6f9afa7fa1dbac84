import { execa } from "execa";
import pRetry from "p-retry";
import type { GuestOutput, HostOutput, MigrationOutput, PolicyOutput } from "../../components/outputs.ts";
import type { StackInput } from "../../stacks/config.ts";
import {
  defaultNetwork,
  defaultStorageName,
  labGuestAddress,
  labHostAddress,
  labStorageAddress,
} from "../../stacks/defaults.ts";
import type { Run, TestProject } from "./project.ts";
import { killTree } from "./traces.ts";

export interface Outputs {
  hosts: Record<string, HostOutput>;
  guests: Record<string, GuestOutput>;
  migrations: Record<string, MigrationOutput>;
  policy?: PolicyOutput;
}

/** What `virsh list --all` says of a guest on one host; absent: nothing. */
export type Places = Record<string, string>;

/** The arguments of ssh that run a command on the stack's machines, as root, and in its guests. */
export interface Logins {
  host(name: string, command: string): string[];
  guest(name: string, command: string): string[];
}

/** A config in which each guest has a placement. */
type PlacedStack = StackInput & Required<Pick<StackInput, "placement">>;

/** A stack of the test's own, with its hosts and guests, seen from outside: over SSH, and in this machine's processes. */
export class TestStack {
  readonly name: string;
  readonly project: TestProject;
  /** The stack's file: changed here, written by the next run. */
  readonly config: PlacedStack;
  readonly logins: Logins;

  constructor(project: TestProject, name: string, config: PlacedStack, logins: Logins) {
    this.project = project;
    this.name = name;
    this.config = config;
    this.logins = logins;
  }

  // --- Pulumi ---------------------------------------------------------------------------------------------------

  async init(): Promise<void> {
    await this.project.ask("stack", "init", this.name);
  }

  async up(): Promise<Run> {
    await this.write();
    return this.project.pulumi("up", "--stack", this.name, "--yes", "--skip-preview");
  }

  /** An `up` that must succeed. Returns what it said. */
  async deploy(): Promise<string> {
    const { exitCode, text } = await this.up();
    if (exitCode !== 0) throw new Error(`pulumi up failed (exit code ${exitCode}):\n${withoutOutputs(text)}`);
    return text;
  }

  async preview(): Promise<Run> {
    await this.write();
    return this.project.pulumi("preview", "--stack", this.name);
  }

  refresh(): Promise<Run> {
    return this.project.pulumi("refresh", "--stack", this.name, "--yes", "--skip-preview");
  }

  /** Destroys everything and forgets the stack, as `npm run lab:down` does. */
  async destroy(): Promise<Run> {
    const run = await this.project.pulumi("destroy", "--stack", this.name, "--yes", "--skip-preview");
    if (run.exitCode === 0) await this.project.ask("stack", "rm", this.name, "--yes", "--preserve-config");
    return run;
  }

  async outputs(): Promise<Outputs> {
    return JSON.parse(await this.project.ask("stack", "output", "--stack", this.name, "--json"));
  }

  async write(): Promise<void> {
    await this.project.configure(this.name, this.config);
  }

  /**
   * Starts an `up`, and kills it as soon as `moment` has come: by default with all its plugins and connections. Returns the CLI's
   * process id.
   */
  async killUp(moment: () => Promise<unknown>, kill: (cli: number) => unknown = killTree): Promise<number> {
    const { cli } = await this.strikeUp(moment, kill);
    return cli;
  }

  /** Runs `up` and does something to its CLI at a certain moment. Returns what it said, and how it ended. */
  async strikeUp(
    moment: () => Promise<unknown>,
    strike: (cli: number) => unknown,
  ): Promise<Run & { cli: number }> {
    await this.write();
    const run = this.project.start("up", "--stack", this.name, "--yes", "--skip-preview");
    const ended = run.then(({ all }) => {
      throw new Error(`pulumi up ended before the moment in which it was to be struck:\n${all}`);
    });
    ended.catch(() => {}); // told by the race
    await Promise.race([moment(), ended]);
    const cli = run.pid as number;
    await strike(cli);
    const { exitCode = -1, all } = await run;
    return { exitCode, text: all, cli };
  }

  // --- hosts ----------------------------------------------------------------------------------------------------

  /** Runs a command on a host, as root. */
  async on(host: string, command: string): Promise<string> {
    const { stdout } = await execa("ssh", this.logins.host(host, command));
    return stdout;
  }

  /** Runs a command on a host, as root, that may fail. */
  async attempt(host: string, command: string, input = ""): Promise<{ exitCode?: number; stdout: string }> {
    return execa("ssh", this.logins.host(host, command), { input, reject: false });
  }

  /** Waits, on a host, until a command of it succeeds. */
  async until(host: string, condition: string): Promise<void> {
    await this.on(host, `timeout 120 bash -c 'until ${condition}; do sleep 0.02; done' >/dev/null 2>&1`);
  }

  virsh(host: string, command: string): Promise<string> {
    return this.on(host, `LC_ALL=C virsh -q -c qemu:///system ${command}`);
  }

  /** Moves that were begun and not ended, as the storage host has them; and memories that were saved, on the hosts. */
  async unfinished(): Promise<string[]> {
    const looks = [
      this.on(
        "storage",
        "find /var/lib/kvm-migration-testbed/moves/export-testbed -type f ! -name '*.lock' 2>/dev/null || true",
      ),
      ...this.config.hosts.map(({ name }) =>
        this.on(
          name,
          "find /var/lib/kvm-migration-testbed/moving /var/lib/libvirt/qemu/save -type f 2>/dev/null || true",
        ),
      ),
    ];
    return (await Promise.all(looks)).flatMap((found) => found.split("\n").filter(Boolean));
  }

  /** Where a guest is, by host: `running (migrated)`, or what else libvirt says. */
  async places(guest: string): Promise<Places> {
    const hosts = this.config.hosts.map(({ name }) => name);
    const states = await Promise.all(
      hosts.map(async (host) => {
        const state = await this.virsh(
          host,
          `list --all --name | grep -qx ${guest} && virsh -q domstate --reason ${guest} || true`,
        );
        return [host, state.trim()] as const;
      }),
    );
    return Object.fromEntries(states.filter(([, state]) => state !== ""));
  }

  // --- guests ---------------------------------------------------------------------------------------------------

  /** Waits until a guest can be logged in to. */
  async reachable(guest: string, { retries = 120 } = {}): Promise<void> {
    await pRetry(() => this.inGuest(guest, "true"), { retries, minTimeout: 1000, factor: 1 });
  }

  /** Runs a command in a guest, as the user that the stack names, over SSH. */
  async inGuest(guest: string, command: string): Promise<string> {
    const { stdout } = await execa("ssh", this.logins.guest(guest, command));
    return stdout;
  }
}

/** Options for ssh, as its arguments. The first of two values of one option counts. */
export const sshArguments = (options: Record<string, string>): string[] =>
  Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]);

/** What an update or a preview prints that has nothing to do. */
export const unchanged = /^Resources:\n +\d+ unchanged$/m;

/** The key that a guest made for itself at its first boot is known to nobody. */
export const unknownHost = { StrictHostKeyChecking: "no", UserKnownHostsFile: "/dev/null" };

/** A stack whose hosts are containers on this machine. */
export class LabStack extends TestStack {
  /** @param folder where the program keeps its keys. Default: the project's */
  constructor(
    project: TestProject,
    name: string,
    config: PlacedStack,
    folder = project.path(".testbed", name),
  ) {
    const options = {
      BatchMode: "yes",
      ConnectTimeout: "10",
      LogLevel: "ERROR",
      // A machine that is killed does not say so.
      ServerAliveInterval: "5",
      IdentitiesOnly: "yes",
      IdentityFile: `${folder}/id_ed25519`,
    };
    super(project, name, config, {
      host: (host, command) => [
        ...sshArguments({ ...options, UserKnownHostsFile: `${folder}/known_hosts` }),
        `root@${hostAddress(config, host)}`,
        command,
      ],
      guest: (guest, command) => [
        ...sshArguments({ ...options, ...unknownHost }),
        `debian@${guestAddress(config, guest)}`,
        command,
      ],
    });
  }

  hostAddress(name: string): string {
    return hostAddress(this.config, name);
  }

  guestAddress(name: string): string {
    return guestAddress(this.config, name);
  }
}

const networkOf = ({ lab }: PlacedStack): string => lab?.network ?? defaultNetwork;

const hostAddress = (config: PlacedStack, name: string): string =>
  name === defaultStorageName
    ? labStorageAddress(networkOf(config))
    : labHostAddress(networkOf(config), name);

const guestAddress = (config: PlacedStack, name: string): string => labGuestAddress(networkOf(config), name);

/** All that an update says but the stack's outputs, which are long. */
const withoutOutputs = (text: string): string => text.replace(/^Outputs:\n[\s\S]*?(?=^Resources:)/m, "");
