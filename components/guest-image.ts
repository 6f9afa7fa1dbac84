import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Image } from "../images/image.ts";
import type { Program } from "../images/programs.ts";
import { projectProgram } from "./files.ts";

export interface GuestImageArgs {
  /**
   * `ubuntu-24.04`, `ubuntu-26.04`, `debian-13` (downloaded), `debian-12` (built on this machine from packages), `auto` (Ubuntu where it can be
   * had, otherwise Debian), or the path or URL of a qcow2 or raw image that boots by itself. Default: "auto".
   */
  readonly source?: string;
  /** The SHA-256 the file must have. Named images have their own. Default: a path or URL is taken as it is. */
  readonly sha256?: string;
  /**
   * Programs that it is built with, for guests whose workload needs them: `mysql`, `office`. Only the Debian image can have them, so `auto`
   * is then Debian; others are taken as they are. Default: none.
   */
  readonly programs?: readonly Program[];
}

/**
 * The image that guests' disks lie over, in this machine's cache: downloaded, built or just checked when it is
 * created. It stays in the cache when this is destroyed, for the next testbed.
 */
export class GuestImage extends pulumi.ComponentResource {
  /** Absolute, on the machine that runs Pulumi. */
  readonly path: pulumi.Output<string>;
  readonly sha256: pulumi.Output<string>;
  /** The name of a source, or `custom`. */
  readonly imageName: pulumi.Output<string>;
  /** The account that guests of it get by default. */
  readonly user: pulumi.Output<string>;
  readonly virtualSizeBytes: pulumi.Output<number>;
  readonly format: pulumi.Output<"qcow2" | "raw">;

  constructor(name: string, args: GuestImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("testbed:index:GuestImage", name, {}, opts);
    const { source = "auto", sha256, programs = [] } = args;

    const brought = new command.local.Command(
      `${name}-file`,
      {
        create: `node "${projectProgram("images", "cli")}" "$SOURCE" \${SHA256:+--sha256 "$SHA256"}${programs.map((program) => ` --with ${program}`).join("")}`,
        environment: {
          SOURCE: source,
          SHA256: sha256 ?? "",
          NODE_USE_ENV_PROXY: "1", // for the downloads, Node otherwise passes over http_proxy and the like
        },
        logging: command.local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );
    const image = brought.stdout.apply((json) => JSON.parse(json) as Image);
    this.path = image.path;
    this.sha256 = image.sha256;
    this.imageName = image.name;
    this.user = image.user;
    this.virtualSizeBytes = image.virtualSizeBytes;
    this.format = image.format;
    this.registerOutputs({ path: this.path, sha256: this.sha256, imageName: this.imageName });
  }
}
