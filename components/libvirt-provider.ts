import * as libvirt from "@pulumi/libvirt";
import type * as pulumi from "@pulumi/pulumi";
import { providerUri } from "../hosts/libvirt-uri.ts";
import type { SshTarget } from "../ssh/target.ts";
import { needsAgent } from "./private-key.ts";

/**
 * The provider of libvirt's own things (pools, volumes, networks) on one host. It connects as soon as it knows where
 * to: `ssh` must not be known before libvirtd is up.
 */
export function libvirtProvider(
  name: string,
  ssh: pulumi.Output<SshTarget>,
  opts: pulumi.ResourceOptions,
): libvirt.Provider {
  return new libvirt.Provider(name, { uri: ssh.apply(uri) }, opts);
}

/** With a key, the provider reads that file only; without one, it asks the agent first. */
function uri({ privateKeyFile, ...target }: SshTarget): string {
  const readable = privateKeyFile !== undefined && !needsAgent(privateKeyFile);
  return providerUri({ ...target, ...(readable && { privateKeyFile }) });
}
