import { expect, test } from "vitest";
import { SimulatedFleet } from "../unit/helpers/simulated-fleet.ts";
import { ends, type Hosts, play, stories } from "./transitions.ts";

// test/lab/transitions.ts plays them to a real libvirt.

const simulated = (): Hosts => {
  const world = new SimulatedFleet(ends);
  return {
    virsh: async (host, command, input = "") => {
      const { exitCode, stdout } = world.virsh(host, [...command], input);
      return { done: exitCode === 0, stdout };
    },
    uri: (host) => `qemu+ssh://root@${world.machine(host).address}/system`,
  };
};

test.each(Object.entries(stories))(
  "the simulated libvirt plays its part with a guest %s",
  async (_, story) => {
    expect(await play(story, simulated())).toEqual(story);
  },
);
