import type * as pulumi from "@pulumi/pulumi";
import type { ConstructResult } from "@pulumi/pulumi/provider/index.js";
import { Testbed } from "../components/testbed.ts";

/**
 * Declares a Testbed for a program in another language.
 *
 * @throws TestbedConfigError, whose message has each mistake with its path. Pulumi's own error for inputs would show their values beside
 *   it, secret ones as well
 */
export async function constructTestbed(
  name: string,
  inputs: pulumi.Inputs,
  options: pulumi.ComponentResourceOptions,
): Promise<ConstructResult> {
  const { urn, hosts, guests, migrations, policy } = await Testbed.fromConfig(name, inputs as never, options);
  return { urn, state: { hosts, guests, migrations, ...(policy && { policy }) } };
}
