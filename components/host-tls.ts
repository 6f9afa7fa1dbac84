import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { projectFile } from "./files.ts";
import type { KvmHost } from "./kvm-host.ts";
import { OnEveryHost } from "./on-every-host.ts";
import type { HostScriptArgs } from "./ssh-host.ts";

export interface HostTlsArgs {
  /** The hosts between which guests' memory goes over TLS. */
  readonly hosts: readonly KvmHost[];
  /** How many authorities were there before this one: each host goes on trusting those until all have certificates of the new one. Default: 0. */
  readonly generation?: number;
}

/**
 * Certificates with which the hosts' QEMUs know each other: an authority for this testbed, and a certificate for each host, which names
 * the address that guests' memory is sent to. Private keys are secrets of the stack's state and lie on their host alone.
 */
export class HostTls extends pulumi.ComponentResource {
  /** Resolves when every host has its certificate. */
  readonly ready: pulumi.Output<boolean>;

  constructor(name: string, { hosts, generation = 0 }: HostTlsArgs, opts?: pulumi.ComponentResourceOptions) {
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

    // A certificate's issuer is found by its name, so no two authorities share one.
    const nth = generation > 0 ? `-${generation}` : "";
    const authority = made(`${name}${nth}-ca`, "tls-ca", {
      environment: { NAME: `migration testbed ${name}${nth}` },
    });
    const certificates = new Map(
      hosts.map(({ host, migrationAddress }) => [
        host,
        made(`${name}-${host.hostName}-certificate`, "tls-certificate", {
          environment: { NAME: host.hostName, ADDRESS: migrationAddress },
          stdin: authority.apply(({ key, certificate }) => `${key}\n${certificate}\n`),
        }),
      ]),
    );
    const certified = ({ host }: KvmHost, step: object = {}): HostScriptArgs => {
      const own = certificates.get(host) as pulumi.Output<Pem>;
      return {
        scripts: ["tls"],
        variables: {
          CA: pulumi.unsecret(authority.apply(({ certificate }) => certificate)),
          CERTIFICATE: pulumi.unsecret(own.apply(({ certificate }) => certificate)),
          KEY: own.apply(({ key }) => key),
          ...step,
        },
      };
    };
    const first = hosts.map((each) =>
      each.host.script(
        `${name}-${each.host.hostName}`,
        { ...certified(each, generation > 0 ? { STEP: "trust" } : {}), remove: ["tls"] },
        { parent: this },
      ),
    );
    const then = (step: string, dependsOn: readonly pulumi.Resource[]) =>
      new OnEveryHost(`${name}-${step}`, hosts, (host) => certified(host, { STEP: step }), {
        parent: this,
        dependsOn: [...dependsOn],
      });
    const last = generation > 0 ? then("only", then("present", first).commands) : undefined;
    this.ready = pulumi.all([pulumi.all(first.map((each) => each.stdout)), last?.done]).apply(() => true);
    this.registerOutputs({ ready: this.ready });
  }
}

interface Pem {
  key: string;
  certificate: string;
}

/** The two blocks that openssl prints: a private key, and its certificate. */
function pem(text: string): Pem {
  const block = (title: RegExp) =>
    text.match(new RegExp(`-----BEGIN (${title.source})-----[\\s\\S]*?-----END \\1-----`))?.[0];
  const [key, certificate] = [block(/(?:EC )?PRIVATE KEY/), block(/CERTIFICATE/)];
  if (!key || !certificate) throw new Error("openssl printed no key and certificate");
  return { key, certificate };
}
