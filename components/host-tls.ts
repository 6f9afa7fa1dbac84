import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { projectFile } from "./files.ts";
import type { KvmHost } from "./kvm-host.ts";

export interface HostTlsArgs {
  /** The hosts between which guests' memory goes over TLS. */
  readonly hosts: readonly KvmHost[];
}

/**
 * Certificates with which the hosts' QEMUs know each other: an authority for this testbed, and a certificate for each host, which names
 * the address that guests' memory is sent to. Private keys are secrets of the stack's state and lie on their host alone.
 */
export class HostTls extends pulumi.ComponentResource {
  /** Resolves when every host has its certificate. */
  readonly ready: pulumi.Output<boolean>;

  constructor(name: string, { hosts }: HostTlsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("testbed:index:HostTls", name, {}, opts);
    const made = (of: string, script: string, inputs: command.local.CommandArgs) => {
      const { stdout } = new command.local.Command(
        of,
        {
          create: `bash ${projectFile("hosts", `${script}.sh`)}`,
          logging: command.local.Logging.None,
          addPreviousOutputInEnv: false,
          ...inputs,
        },
        { parent: this, additionalSecretOutputs: ["stdout"] },
      );
      return pulumi.secret(stdout).apply(pem);
    };

    const authority = made(`${name}-ca`, "tls-ca", { environment: { NAME: `migration testbed ${name}` } });
    const done = hosts.map(({ host, migrationAddress }) => {
      const own = made(`${name}-${host.hostName}-certificate`, "tls-certificate", {
        environment: { NAME: host.hostName, ADDRESS: migrationAddress },
        stdin: authority.apply(({ key, certificate }) => `${key}\n${certificate}\n`),
      });
      return host.script(
        `${name}-${host.hostName}`,
        {
          scripts: ["tls"],
          remove: ["tls"],
          variables: {
            CA: pulumi.unsecret(authority.apply(({ certificate }) => certificate)),
            CERTIFICATE: pulumi.unsecret(own.apply(({ certificate }) => certificate)),
            KEY: own.apply(({ key }) => key),
          },
        },
        { parent: this },
      );
    });
    this.ready = pulumi.all(done.map((each) => each.stdout)).apply(() => true);
    this.registerOutputs({ ready: this.ready });
  }
}

/** The two blocks that openssl prints: a private key, and its certificate. */
function pem(text: string): { key: string; certificate: string } {
  const block = (title: RegExp) =>
    text.match(new RegExp(`-----BEGIN (${title.source})-----[\\s\\S]*?-----END \\1-----`))?.[0];
  const [key, certificate] = [block(/(?:EC )?PRIVATE KEY/), block(/CERTIFICATE/)];
  if (!key || !certificate) throw new Error("openssl printed no key and certificate");
  return { key, certificate };
}
