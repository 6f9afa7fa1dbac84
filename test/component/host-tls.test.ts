import { expect, test } from "vitest";
import { HostTls } from "../../components/host-tls.ts";
import { KvmHost } from "../../components/kvm-host.ts";
import { answers } from "./hosts.ts";
import { record, resolved } from "./recorder.ts";

const declare = () => {
  const hosts = [11, 12].map(
    (last) =>
      new KvmHost(`host${last}`, {
        address: `192.0.2.${last}`,
        migrationAddress: `198.51.100.${last}`,
        privateKey: "K",
      }),
  );
  return new HostTls("tls", { hosts });
};

test("each host gets a certificate of its own for its migration address, signed by one authority", async () => {
  const { one, result } = await record(declare, answers);
  expect(await resolved(result.ready)).toBe(true);
  for (const last of [11, 12]) {
    const signing = one(`tls-host${last}-certificate`).inputs;
    expect(signing.environment).toEqual({ NAME: `host${last}`, ADDRESS: `198.51.100.${last}` });
    expect(signing.stdin).toContain("KEY OF tls-ca");
    const { stdin } = one(`tls-host${last}`).inputs;
    expect(stdin).toContain(`OF tls-host${last}-certificate`);
    expect(stdin).not.toContain("KEY OF tls-ca");
  }
});

test("private keys are secrets", async () => {
  const { one } = await record(declare, answers);
  expect(one("tls-host11-certificate").secrets).toContain("stdin");
  expect(one("tls-host11").secrets).toContain("stdin");
});
