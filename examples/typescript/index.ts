import * as pulumi from "@pulumi/pulumi";
import { Testbed } from "kvm-migration-testbed";

const config = new pulumi.Config();

// The same as stands in a stack's file below `testbed:`.
const testbed = await Testbed.fromConfig("testbed", {
  lab: { network: config.require("network"), bridge: config.require("bridge") },
  hosts: [{ name: "host1" }, { name: "host2" }],
  guests: [{ name: "vm1", memoryMiB: 512, diskGiB: 3 }],
  placement: { vm1: config.require("host") },
});

export const { guests, migrations } = testbed;
