import { expect, test } from "vitest";
import { Bridge } from "../../components/bridge.ts";
import { KvmHost } from "../../components/kvm-host.ts";
import { SshKey } from "../../components/ssh-key.ts";
import { answers } from "./hosts.ts";
import { type Declared, record, resolved } from "./recorder.ts";

const environment = ({ inputs }: Declared) => inputs.environment as Record<string, string>;

function bridge() {
  const container = new SshKey("container", { path: "any-resource" });
  const hosts = [
    new KvmHost("a", { address: "192.0.2.11", deletedWith: container }),
    new KvmHost("b", { address: "192.0.2.12" }),
  ];
  return new Bridge("net", { hosts, bridge: "br7", uplink: "eno2", network: "guests" });
}

test("every host gets the bridge, and confirms it over a second connection, before libvirt hears of it", async () => {
  const { one } = await record(bridge, answers);
  for (const host of ["a", "b"]) {
    const { HOST_ADDRESS, APPLY, FIND_SCRIPT, PLAN_PROGRAM, BRIDGE_SCRIPT, CONFIRM_SCRIPT } = environment(
      one(`net-${host}`),
    );
    expect(HOST_ADDRESS).toBe(host === "a" ? "192.0.2.11" : "192.0.2.12");
    expect(APPLY).toBe("env LC_ALL=C ACTION=apply bash --norc -s");
    for (const script of [FIND_SCRIPT, BRIDGE_SCRIPT, CONFIRM_SCRIPT]) {
      expect(script).toContain("BRIDGE='br7'\nUPLINK='eno2'");
    }
    // libvirt's network comes with the confirmation, and goes before the bridge.
    expect(CONFIRM_SCRIPT).toContain("NETWORK='guests'");
    expect(CONFIRM_SCRIPT).toMatch(
      /then each bridge-confirm-\S+ network-\S+; else each network-\S+ bridge-confirm-/,
    );
    expect(PLAN_PROGRAM).toBe("hosts/bridge-cli.ts");
  }
});

test("destroying it puts a machine's network back, and leaves a container's alone", async () => {
  const { one } = await record(bridge, answers);
  expect(one("net-b").inputs.delete).toBe("bash hosts/bridge-over.sh remove");
  expect(environment(one("net-b")).REMOVE).toBe("env LC_ALL=C ACTION=remove bash --norc -s");
  expect(one("net-b").deletedWith).toBe("");
  expect(one("net-a").deletedWith).toContain("container");
});

test("a network that an earlier version declared is made again once it is gone", async () => {
  const stdin = async (networkGoes: boolean) => {
    const hosts = () => [new KvmHost("a", { address: "192.0.2.11" })];
    const { one } = await record(() => new Bridge("net", { hosts: hosts(), networkGoes }), answers);
    return environment(one("net-a"));
  };
  const [during, after] = [await stdin(true), await stdin(false)];
  expect(during).not.toEqual(after);
  expect({ ...during, NETWORK_GOES: undefined }).toEqual({ ...after, NETWORK_GOES: undefined });
});

test("guests are told of the network by one name", async () => {
  const { result } = await record(bridge, answers);
  expect(await resolved(result.network)).toBe("guests");
  expect(await resolved(result.bridge)).toBe("br7");
});
