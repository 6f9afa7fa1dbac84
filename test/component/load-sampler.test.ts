import { expect, test } from "vitest";
import { KvmHost } from "../../components/kvm-host.ts";
import { LoadSampler } from "../../components/load-sampler.ts";
import { SshKey } from "../../components/ssh-key.ts";
import { answers } from "./hosts.ts";
import { record } from "./recorder.ts";

const declare = () => {
  const container = new SshKey("container", { path: "any-resource" });
  const hosts = ["a", "b"].map(
    (name, index) =>
      new KvmHost(name, { address: `192.0.2.1${index}`, user: "admin", deletedWith: container }),
  );
  return new LoadSampler("load", { hosts });
};

test("each host has one command, which starts the sampler and takes it away", async () => {
  const { one, declared } = await record(declare, answers);
  const own = declared.filter(({ name, type }) => name.startsWith("load-") && type.startsWith("command:"));
  expect(own.map(({ name }) => name)).toEqual(["load-a", "load-b"]);
  for (const name of ["load-a", "load-b"]) {
    const { inputs, dependencies, secrets, deletedWith } = one(name);
    expect(inputs.create).toContain("ACTION=apply");
    expect(inputs.delete).toContain("ACTION=remove");
    expect(inputs.stdin).toMatch(/then each load-[0-9a-f]{12}\.sh; else each load-[0-9a-f]{12}\.sh;/);
    expect(inputs.stdin).toMatch(/^EVERY='60'\nSAMPLER='load-sample-[0-9a-f]{12}\.sh'$/m);
    expect(secrets).not.toContain("stdin");
    expect(deletedWith).toContain("container");
    // Its scripts are taken from a host with its claim, so it must go before that.
    expect(dependencies.join()).toContain(`${name.slice(-1)}-claim`);
  }
});
