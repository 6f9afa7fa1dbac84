import { readFileSync } from "node:fs";
import { parse } from "yaml";
import * as z from "zod";
import { stackSchema } from "../../stacks/config.ts";

/**
 * Machines to try the testbed on: the sections of a stack's config that say where they are, and addresses for two guests of the
 * test's own.
 */
const inventorySchema = stackSchema
  .pick({ storage: true, hosts: true, ssh: true, bridge: true, image: true })
  .extend({
    guests: z
      .strictObject({
        addresses: z.array(z.cidrv4()).length(2),
        memoryMiB: z.int().min(256).default(512),
        vcpus: z.int().min(1).default(1),
      })
      .describe("two free addresses, with their prefix, in the network of the hosts' bridge"),
    vlan: z
      .int()
      .min(1)
      .max(4094)
      .optional()
      .describe("a VLAN that the network carries among the uplinks of all machines, for the test `existing`"),
    uefi: z.boolean().default(true).describe("start a guest of the test `existing` by UEFI"),
    accelerator: z.enum(["kvm", "tcg"]).default("kvm").describe("what the records must show"),
    nfsTransport: z.enum(["kernel", "userspace"]).default("kernel").describe("what the records must show"),
    reboot: z
      .boolean()
      .default(true)
      .describe(
        "close a host off and restart it, cut the power of all machines, and see whether the testbed comes back",
      ),
  });
export type Inventory = z.output<typeof inventorySchema>;

export function readInventory(file: string): Inventory {
  const { success, data, error } = inventorySchema.safeParse(parse(readFileSync(file, "utf8")));
  if (!success) throw new Error(`${file} is no inventory:\n${z.prettifyError(error)}`);
  return data;
}
