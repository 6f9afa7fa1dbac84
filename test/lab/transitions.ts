import { afterAll, describe, expect, test } from "vitest";
import { ends, forget, type Hosts, play, statePath, stories } from "../crashes/transitions.ts";
import type { LabStack } from "./stack.ts";

/** What the simulation of crashes takes libvirt to do, told to the libvirt of two hosts: a guest of its own, which no stack knows. */
export function transitions(lab: () => LabStack): void {
  const hosts: Hosts = {
    virsh: async (host, command, input = "") => {
      const virsh = `LC_ALL=C virsh -q -c qemu:///system ${command.map((word) => `'${word}'`).join(" ")}`;
      const { exitCode, stdout } = await lab().attempt(host, virsh, input);
      return { done: exitCode === 0, stdout };
    },
    uri: (host) => `qemu+ssh://root@${lab().hostAddress(host)}/system`,
  };

  describe("libvirt does what its simulation does", () => {
    afterAll(async () => {
      await forget(hosts);
      await Promise.all(ends.map((host) => lab().on(host, `rm -f ${statePath}`)));
    });

    test.each(Object.entries(stories))("with a guest %s", async (_, story) => {
      await forget(hosts);
      expect(await play(story, hosts)).toEqual(story);
    });
  });
}
