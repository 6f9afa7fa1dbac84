import * as pulumi from "@pulumi/pulumi";
import type { UefiFirmware } from "../libvirt/domain-xml.ts";
import type { KvmHost } from "./kvm-host.ts";
import { OnEveryHost } from "./on-every-host.ts";

export interface UefiArgs {
  /** The hosts between which guests move. */
  readonly hosts: readonly KvmHost[];
}

/** UEFI on every host, for guests that ask for it. Its package stays when this is destroyed. */
export class Uefi extends pulumi.ComponentResource {
  /** Where its files are, on each of them. */
  readonly files: pulumi.Output<Omit<UefiFirmware, "nvramPath">>;

  constructor(name: string, { hosts }: UefiArgs, opts?: pulumi.ComponentResourceOptions) {
    super("testbed:index:Uefi", name, {}, opts);
    const variables = { NEEDS: "uefi", CONTAINER_NEEDS: "", MACHINE_NEEDS: "" };
    const { done } = new OnEveryHost(name, hosts, () => ({ scripts: ["packages", "uefi"], variables }), {
      parent: this,
    });
    const names = hosts.map(({ host }) => host.hostName);
    this.files = done.apply((said) => {
      const [first = "", ...others] = said.map((each) => each.trim());
      if (others.some((each) => each !== first))
        throw new pulumi.ResourceError(
          `UEFI's files are not the same on all hosts, so that guests could not move: ${names.map((each, at) => `${each} has ${said[at]?.trim().split("\n").join(" and ")}`).join("; ")}. No guest was touched`,
          this,
        );
      const [loader = "", template = ""] = first.split("\n");
      return { loader, template };
    });
    this.registerOutputs({ files: this.files });
  }
}
