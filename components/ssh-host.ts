import { homedir, userInfo } from "node:os";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { claimFile } from "../hosts/claim.ts";
import { type HostScript, hostCommand, hostScript, scriptsVersion } from "../hosts/script.ts";
import { withSession } from "../ssh/session-pool.ts";
import type { SshJump, SshTarget } from "../ssh/target.ts";
import type { HostShare } from "../stacks/plan.ts";
import { projectFile } from "./files.ts";
import { readPrivateKey } from "./private-key.ts";

/** How a machine is reached; every component that is given one takes these. */
export interface HostAccess {
  /** What it is called in the stack, in errors and in other hosts' /etc/hosts. Default: the component's name. */
  readonly name?: string;
  readonly address: pulumi.Input<string>;
  /** SSH port. Default: 22. */
  readonly port?: number;
  /** Who to log in as: anyone but root needs sudo without a password. Default: root. */
  readonly user?: string;
  /**
   * Path of the private key; the SSH agent must hold one that has a passphrase. Default: the SSH agent, or else OpenSSH's own default
   * files.
   */
  readonly privateKeyFile?: string;
  /** The key's text, for a key that is made in the same program. Default: what is in `privateKeyFile`. */
  readonly privateKey?: pulumi.Input<string>;
  /** Host keys that are trusted. Default: OpenSSH's own files. */
  readonly knownHostsFile?: string;
  /** Whether the key of a host seen for the first time is taken down in `knownHostsFile`. Default: strict. */
  readonly knownHosts?: "strict" | "accept-new";
  /** The host's public key ("type key"), when it is known already: it is put in `knownHostsFile`. */
  readonly hostKey?: pulumi.Input<string>;
  /** What ~/.ssh/config makes of `address`, where that is a name of its own. Default: the address. */
  readonly hostName?: string;
  /** The host over which it is reached, where ~/.ssh/config says so. */
  readonly jump?: SshJump;
  /** The socket of the SSH agent, where ~/.ssh/config names one (IdentityAgent). Default: SSH_AUTH_SOCK. */
  readonly identityAgent?: string;
  /** What libvirt's provider is to call it, where ~/.ssh/config would lead that one elsewhere. Default: the address. */
  readonly libvirtName?: string;
  /** Any text that changes at each start of the machine: it is then prepared again. Default: it never is. */
  readonly boot?: pulumi.Input<string>;
  /** Nothing is done on it, and nothing of what was done is changed: it is switched off, or lost. Default: it is on. */
  readonly isOff?: boolean;
  /** What must be done before it is reached: it is switched on, or others are fenced. Default: nothing. */
  readonly after?: readonly pulumi.Resource[];
  /**
   * The testbed that the machine belongs to, as one line: its name and, after a blank, what tells it from others of that name. Nothing
   * is done to a machine that belongs to another one. Default: the Pulumi stack and its project.
   */
  readonly testbed?: pulumi.Input<string>;
  /**
   * What it may have of the machine that it is a container on, and what start.sh says of that: "memory held, cpus held", or why not.
   * Default: what it has.
   */
  readonly share?: HostShare & { readonly held: pulumi.Input<string> };
  /** A resource whose deletion removes the machine and all that was done to it. */
  readonly deletedWith?: pulumi.Resource;
}

/**
 * A machine that answers over SSH, as who it should be, and that belongs to no other testbed. A wrong address, key or host key is an error
 * in seconds. The outputs of this class are known once the machine is claimed, so all that uses them comes after that.
 */
export class SshHost extends pulumi.ComponentResource {
  readonly hostName: string;
  readonly ssh: pulumi.Output<SshTarget>;
  /** The host's public key, "type key". */
  readonly hostKey: pulumi.Output<string>;
  /** The port its sshd listens on: other hosts do not come through a port that is forwarded to it. */
  readonly sshdPort: pulumi.Output<number>;
  readonly deletedWith: pulumi.Resource | undefined;
  readonly #connection: Connection;
  readonly #user: string;
  readonly #boot: { BOOT?: pulumi.Input<string> };
  /** For what would be done on the host: nothing of it, while it is off. */
  readonly frozen: { ignoreChanges?: string[] };

  constructor(name: string, access: HostAccess, opts?: pulumi.ComponentResourceOptions) {
    super("testbed:index:SshHost", name, {}, opts);
    const { address, port = 22, user = "root", deletedWith } = access;
    this.hostName = access.name ?? name;
    this.deletedWith = deletedWith;
    this.#user = user;
    this.#boot = access.boot ? { BOOT: access.boot } : {};
    this.frozen = access.isOff
      ? { ignoreChanges: ["connection", "create", "delete", "stdin", "environment"] }
      : {};
    if (access.knownHosts === "accept-new" && !access.knownHostsFile) {
      throw new pulumi.ResourceError(
        `${this.hostName}: knownHosts is "accept-new", so knownHostsFile must say where host keys are written`,
        this,
      );
    }

    const lines = this.#reach(name, access).stdout.apply((text) => text.split("\n"));
    const hostKey = lines.apply(([key = ""]) => key);
    const reached = connectionTo(access, hostKey);
    const claim = this.#run(
      `${name}-claim`,
      {
        scripts: ["claim"],
        remove: ["claim"],
        variables: { CLAIM: claimFile, TESTBED: access.testbed ?? thisStack() },
      },
      reached,
      { parent: this },
    );
    // It prints nothing, so no secret either, though it was given one to log in with.
    const claimed = pulumi.unsecret(claim.stdout);
    const afterClaim = <T>(output: pulumi.Output<T>) =>
      pulumi.all([output, claimed]).apply(([value]) => value);
    this.#connection = afterClaim(reached);
    this.hostKey = afterClaim(hostKey);
    this.sshdPort = lines.apply(([, sshdPort]) => Number(sshdPort ?? port));
    // Not known before the host was reached, so that nothing tries to connect to it in a preview.
    this.ssh = pulumi.all([address, this.hostKey]).apply(([known]) => targetOf(access, this.hostName, known));
    this.registerOutputs({ ssh: this.ssh, hostKey: this.hostKey });
  }

  /** Whether it answers, as who it should be; what it prints are its host key and sshd's port. */
  #reach(name: string, access: HostAccess): command.local.Command {
    return new command.local.Command(
      `${name}-reach`,
      {
        create: `bash ${projectFile("hosts", "reach.sh")}`,
        environment: {
          HOST_NAME: this.hostName,
          HOST_ADDRESS: access.address,
          HOST_PORT: String(access.port ?? 22),
          HOST_USER: this.#user,
          HOST_KEY_FILE: access.privateKeyFile ?? "",
          KNOWN_HOSTS_FILE: access.knownHostsFile ?? "",
          KNOWN_HOSTS: access.knownHosts ?? "strict",
          HOST_KEY: access.hostKey ?? "",
          ...(access.identityAgent && { HOST_AGENT: access.identityAgent }),
          // It is run again when there are others to be put on the host, and when the host was restarted.
          SCRIPTS: scriptsVersion(),
          ...this.#boot,
        },
        logging: command.local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      {
        parent: this,
        deletedWith: this.deletedWith,
        ...this.frozen,
        ...(access.after && { dependsOn: [...access.after] }),
      },
    );
  }

  /**
   * Runs scripts from hosts/scripts/ on the host, as root: when the resource is created, and again when the scripts, their
   * variables or the host's key (then it is another machine) change, and when it was restarted. They must be safe to repeat.
   *
   * @param run.remove scripts that undo them, with `ACTION=remove`, when the resource is deleted
   */
  script(name: string, run: HostScriptArgs, opts: pulumi.CustomResourceOptions): command.remote.Command {
    return this.#run(name, run, this.#connection, opts);
  }

  /**
   * Runs scripts on the host at once, without a resource: for what must be done before another one is made.
   *
   * @param doing in words, for errors
   */
  now(
    doing: string,
    { scripts, variables = {} }: Pick<HostScriptArgs, "scripts" | "variables">,
  ): Promise<void> {
    const run = async (target: SshTarget, known: Record<string, string>) => {
      const { stderr } = await withSession(target, (session) =>
        session.run(doing, hostCommand("apply", "root"), {
          input: hostScript({ apply: scripts }, known),
        }),
      );
      if (stderr.trim() !== "") await pulumi.log.info(`${this.hostName}: ${stderr.trim()}`, this);
    };
    return new Promise((resolve, reject) => {
      pulumi.all([this.ssh, variables]).apply(([target, known]) => run(target, known).then(resolve, reject));
    });
  }

  #run(
    name: string,
    run: HostScriptArgs,
    connection: Connection,
    opts: pulumi.CustomResourceOptions,
  ): command.remote.Command {
    const work = { apply: run.scripts, remove: run.remove };
    return new command.remote.Command(
      name,
      {
        connection,
        create: hostCommand("apply", this.#user),
        ...(run.remove && { delete: hostCommand("remove", this.#user) }),
        stdin: pulumi
          .output({ ...run.variables, ...this.#boot })
          .apply((variables) => hostScript(work, variables)),
        logging: command.remote.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      { deletedWith: this.deletedWith, ...this.frozen, ...opts },
    );
  }
}

type Connection = pulumi.Output<command.types.input.remote.ConnectionArgs>;

/** How the command provider logs in. */
function connectionTo(access: HostAccess, hostKey: pulumi.Output<string>): Connection {
  const { address, port = 22, user = "root", hostName, jump } = access;
  const privateKey = access.privateKey ?? readPrivateKey(access.privateKeyFile);
  const agentSocketPath = socketOf(access.identityAgent);
  return pulumi
    .all([address, hostKey, privateKey && pulumi.secret(privateKey)])
    .apply(([host, knownKey, key]) => ({
      host: hostName ?? host,
      port,
      user,
      hostKey: knownKey,
      ...(jump && { proxy: proxyOf(jump) }),
      ...(key && { privateKey: key }),
      ...(agentSocketPath && { agentSocketPath }),
      ...patience,
    }));
}

/** How the engine logs in. */
function targetOf(access: HostAccess, name: string, address: string): SshTarget {
  const {
    port = 22,
    user = "root",
    privateKeyFile,
    knownHostsFile,
    hostName,
    jump,
    identityAgent,
    libvirtName,
  } = access;
  return {
    name,
    address,
    port,
    user,
    ...(privateKeyFile && { privateKeyFile }),
    ...(knownHostsFile && { knownHostsFile }),
    ...(hostName && { hostName }),
    ...(jump && { jump }),
    ...(identityAgent && { identityAgent }),
    ...(libvirtName && { libvirtName }),
  };
}

export interface HostScriptArgs {
  readonly scripts: readonly HostScript[];
  readonly variables?: Readonly<Record<string, pulumi.Input<string>>>;
  readonly remove?: readonly HostScript[];
}

/** It has just answered. Ten attempts of 15 s would be a long time to wait for one that is gone. */
const patience = { dialErrorLimit: 3, perDialTimeout: 10 };

/** OpenSSH has checked the jump host's key, in reach.sh, on the way to the host, whose own key is checked in any case. */
const proxyOf = ({ address, port, user, privateKeyFile, identityAgent }: SshJump) => {
  const key = readPrivateKey(privateKeyFile);
  const agentSocketPath = socketOf(identityAgent);
  return {
    host: address,
    port,
    user: user ?? userInfo().username,
    ...(key && { privateKey: pulumi.secret(key) }),
    ...(agentSocketPath && { agentSocketPath }),
    ...patience,
  };
};

const socketOf = (agent: string | undefined) => agent?.replace(/^~(?=\/)/, homedir());

const thisStack = () => `${pulumi.getStack()} ${pulumi.getProject()}`;
