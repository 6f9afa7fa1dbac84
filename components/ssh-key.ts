import { createHash } from "node:crypto";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

export interface SshKeyArgs {
  /** Where the private key is written; the public one goes beside it with `.pub`. Relative to the project's folder. */
  readonly path: string;
  /** What the public key ends with. Default: "kvm-migration-testbed". */
  readonly comment?: string;
}

/** A pair of SSH keys made on this machine for one testbed. Destroying it removes the files. */
export class SshKey extends pulumi.ComponentResource {
  readonly path: string;
  /** One line, as in authorized_keys. */
  readonly publicKey: pulumi.Output<string>;
  /** As `ssh-keygen -l` shows it: "SHA256:...". */
  readonly fingerprint: pulumi.Output<string>;
  /** The private key's text; a secret. */
  readonly privateKey: pulumi.Output<string>;

  constructor(name: string, args: SshKeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("testbed:index:SshKey", name, {}, opts);
    this.path = args.path;

    const files = new command.local.Command(
      `${name}-files`,
      {
        create: [
          "set -eu; umask 077",
          'mkdir -p "$(dirname "$KEY")"',
          '[ -s "$KEY" ] || ssh-keygen -q -t ed25519 -N "" -C "$COMMENT" -f "$KEY"',
          'cat "$KEY.pub" "$KEY"',
        ].join("\n"),
        delete: 'rm -f "$KEY" "$KEY.pub"; rmdir "$(dirname "$KEY")" 2>/dev/null || true',
        environment: { KEY: args.path, COMMENT: args.comment ?? "kvm-migration-testbed" },
        logging: command.local.Logging.None,
        addPreviousOutputInEnv: false,
      },
      { parent: this, additionalSecretOutputs: ["stdout"] },
    );
    // The first line is public, the others are the private key, which OpenSSH wants to end with a newline.
    const end = files.stdout.apply((text) => text.indexOf("\n"));
    this.publicKey = pulumi.unsecret(pulumi.all([files.stdout, end]).apply(([text, i]) => text.slice(0, i)));
    this.fingerprint = this.publicKey.apply(fingerprintOf);
    this.privateKey = pulumi.secret(
      pulumi.all([files.stdout, end]).apply(([text, i]) => `${text.slice(i + 1).trimEnd()}\n`),
    );
    this.registerOutputs({ publicKey: this.publicKey });
  }
}

/** Of a public key as in authorized_keys: type, key, comment. */
function fingerprintOf(publicKey: string): string {
  const key = Buffer.from(publicKey.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}
