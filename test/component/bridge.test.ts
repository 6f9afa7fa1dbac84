import { expect, test } from "vitest";
import { Bridge } from "../../components/bridge.ts";
import { KvmHost } from "../../components/kvm-host.ts";
import { SshKey } from "../../components/ssh-key.ts";
import { answers } from "./hosts.ts";
import { record, resolved } from "./recorder.ts";

function bridge() {
  const container = new SshKey("container", { path: "any-resource" });
  const hosts = [
    new KvmHost("a", { address: "192.0.2.11", deletedWith: container }),
    new KvmHost("b", { address: "192.0.2.12" }),
  ];
  return new Bridge("net", { hosts, bridge: "br7", uplink: "eno2", network: "guests" });
}

test("every host gets the bridge, which a second connection confirms before libvirt hears of it", async () => {
  const { one } = await record(bridge, answers);
  for (const host of ["a", "b"]) {
    expect(one(`net-${host}`).inputs.create).toContain("BRIDGE='\\''br7'\\''");
    expect(one(`net-${host}`).inputs.create).toContain("UPLINK='\\''eno2'\\''");
    expect(one(`net-${host}-confirm`).dependencies.join()).toContain(`::net-${host}`);
    const network = one(`net-${host}-network`);
    expect(network.inputs).toMatchObject({ name: "guests", mode: "bridge", bridge: "br7", autostart: true });
    expect(network.dependencies.join()).toContain(`net-${host}-confirm`);
    expect(network.provider).toContain(`${host}-libvirt`);
  }
});

test("destroying it puts a machine's network back, and leaves a container's alone", async () => {
  const { one } = await record(bridge, answers);
  expect(one("net-b").inputs.delete).toContain("ACTION='\\''remove'\\''");
  expect(one("net-b").deletedWith).toBe("");
  for (const name of ["net-a", "net-a-confirm", "net-a-network"]) {
    expect(one(name).deletedWith).toContain("container");
  }
});

test("guests are told of the network by one name", async () => {
  const { result } = await record(bridge, answers);
  expect(await resolved(result.network)).toBe("guests");
  expect(await resolved(result.bridge)).toBe("br7");
});
