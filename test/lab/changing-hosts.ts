import { expect, test } from "vitest";
import type { GuestUnderTest } from "./guest-under-test.ts";
import { type LabStack, unchanged } from "./stack.ts";

/** Hosts come and go while a guest runs, and it goes on as if nothing had happened. */
export function changingHosts(guest: () => GuestUnderTest<LabStack>): void {
  const added = "host3";
  test("a host that is added touches no guest", async () => {
    const before = await guest().life();
    const { stack } = guest();
    await guest().stay();
    stack.config.hosts.push({ name: added });
    await stack.deploy();
    expect(Object.keys((await stack.outputs()).hosts)).toEqual(stack.config.hosts.map(({ name }) => name));
    await guest().expectLifeWentOn(before);
    expect(await stack.deploy()).toMatch(unchanged);
  });

  test("a host that a guest is on is not taken out, and nothing is changed", async () => {
    const { stack } = guest();
    const { hosts, placement } = stack.config;
    const host = await guest().host();
    stack.config.hosts = hosts.filter(({ name }) => name !== host);
    stack.config.placement = { ...placement, vm1: added };
    const { exitCode, text } = await stack.up();
    Object.assign(stack.config, { hosts, placement });
    expect(exitCode).not.toBe(0);
    expect(text).toContain(`${host} is left out, and vm1 is still on it`);
    await guest().expectOneCopyAt(host);
  });

  test("drained, its guest goes elsewhere; then it can be taken out, and is gone", async () => {
    const before = await guest().life();
    const { stack } = guest();
    const host = await guest().stay();
    stack.config.drain = [host];
    expect(await stack.deploy()).toContain(`${host} is drained`);
    const refuge = await guest().host();
    expect(refuge).not.toBe(host);
    await guest().expectLifeWentOn(before);

    delete stack.config.drain;
    stack.config.hosts = stack.config.hosts.filter(({ name }) => name !== host);
    await guest().stay();
    await stack.deploy();
    expect(Object.keys((await stack.outputs()).hosts)).not.toContain(host);
    await guest().expectOneCopyAt(refuge);
    await guest().expectLifeWentOn(before);
    expect(await stack.deploy()).toMatch(unchanged);
  });
}
