import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { execaSync } from "execa";
import { describe, expect, test } from "vitest";
import { hasSandbox, runOnSandbox } from "./host-sandbox.ts";

const local = (script: string, env: Record<string, string>, input = "") =>
  execaSync("bash", [join(import.meta.dirname, "..", "..", "hosts", `${script}.sh`)], { env, input }).stdout;

describe("certificates for moves over TLS", () => {
  const authority = local("tls-ca", { NAME: "migration testbed lab" });
  const host = local("tls-certificate", { NAME: "host1", ADDRESS: "198.51.100.11" }, authority);

  test("are signed by the testbed's own authority, and name the host's name and migration address", () => {
    const [ca, certificate] = [new X509Certificate(authority), new X509Certificate(host)];
    expect(ca.ca).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.subjectAltName).toBe("DNS:host1, IP Address:198.51.100.11");
    // Server and client: each host is the one or the other.
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  });

  test("come with their private keys, each with one of its own", () => {
    const keyOf = (text: string) =>
      /-----BEGIN PRIVATE KEY-----[\s\S]*-----END PRIVATE KEY-----/.exec(text)?.[0];
    expect(keyOf(authority)).toBeDefined();
    expect(keyOf(host)).toBeDefined();
    expect(keyOf(host)).not.toBe(keyOf(authority));
  });
});

describe.skipIf(!hasSandbox("bash"))("a host's certificates", () => {
  const folder = "/etc/pki/qemu";
  const run = (actions: readonly ("apply" | "remove")[], before = ":") =>
    runOnSandbox(
      "tls",
      { CA: "authority", CERTIFICATE: "certificate", KEY: "key" },
      { before, after: `find /etc/pki -type f -printf '%m %p ' -exec cat {} \\; 2>/dev/null | sort` },
      actions,
    );

  test("lie where libvirt looks for them, the keys for nobody else", () => {
    expect(run(["apply", "apply"]).stdout).toBe(
      [
        `600 ${folder}/client-key.pem key`,
        `600 ${folder}/server-key.pem key`,
        `644 ${folder}/ca-cert.pem authority`,
        `644 ${folder}/client-cert.pem certificate`,
        `644 ${folder}/server-cert.pem certificate`,
        "",
      ].join("\n"),
    );
  });

  test("go again, with their folder", () => {
    const { status, stdout } = run(["apply", "remove"]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  });

  test("that are somebody else's stay as they are", () => {
    const theirs = `mkdir -p ${folder}; echo theirs > ${folder}/ca-cert.pem`;
    for (const actions of [["apply"], ["apply", "remove"]] as const) {
      const { stdout } = run(actions, theirs);
      expect(stdout).toBe(`644 ${folder}/ca-cert.pem theirs\n`);
    }
  });
});
