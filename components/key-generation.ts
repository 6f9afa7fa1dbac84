import * as pulumi from "@pulumi/pulumi";
import { type KeyGeneration, keyGenerationType } from "../stacks/key-generation.ts";

/** Nothing but what the stack's state remembers of its keys' generation. */
export class KeyGenerationMemory extends pulumi.ComponentResource {
  constructor(name: string, keys: KeyGeneration, opts?: pulumi.ComponentResourceOptions) {
    super(keyGenerationType, name, {}, opts);
    // Plain values, so that they are in the state before the first key is made.
    this.registerOutputs({ ...keys });
  }
}
