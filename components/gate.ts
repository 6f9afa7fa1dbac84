import type * as pulumi from "@pulumi/pulumi";
import { EngineResource } from "./engine-resource.ts";

/**
 * A value that comes from many resources, for as many others. Pulumi keeps in the state of each resource all that its inputs depend on: of
 * n hosts that each need to know of all others, that would be n times n. These depend on the gate alone.
 */
class Gate<T> extends EngineResource {
  declare readonly value: pulumi.Output<T>;

  constructor(name: string, value: pulumi.Input<T>, opts: pulumi.CustomResourceOptions) {
    super("gate", name, { value }, opts);
  }
}

export const throughGate = <T>(
  name: string,
  value: pulumi.Input<T>,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<T> => new Gate<T>(name, value, opts).value;
