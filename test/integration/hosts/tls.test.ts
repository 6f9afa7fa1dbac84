import { createPrivateKey, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { execaSync } from "execa";
import { describe, expect, test } from "vitest";
import { hasSandbox, runOnSandbox, runRounds } from "../helpers/host-sandbox.ts";

const local = (script: string, env: Record<string, string>, input = "") =>
  execaSync("bash", [join(import.meta.dirname, "..", "..", "..", "hosts", `${script}.sh`)], { env, input })
    .stdout;

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

describe.skipIf(!hasSandbox("bash", "openssl"))("an authority that is made anew", () => {
  const made = ["one", "two", "three"].map((name) => {
    const authority = local("tls-ca", { NAME: name });
    const own = (host: string) =>
      local("tls-certificate", { NAME: host, ADDRESS: "198.51.100.11" }, authority);
    return { authority, hosts: [own("host1"), own("host2")] };
  });
  const block = (text: string, title: string) =>
    new RegExp(`-----BEGIN ${title}-----[\\s\\S]*?-----END ${title}-----`).exec(text)?.[0] ?? "";
  type Step = readonly [authority: number, step?: "trust" | "present" | "only"];

  /** What a host trusts and presents after some steps, as texts. */
  const after = (host: number, ...steps: readonly Step[]) => {
    const { status, stdout, stderr } = runRounds(
      "tls",
      steps.map(([which, step]) => {
        const { authority = "", hosts = [] } = made[which] ?? {};
        return {
          variables: {
            CA: block(authority, "CERTIFICATE"),
            CERTIFICATE: block(hosts[host] ?? "", "CERTIFICATE"),
            KEY: block(hosts[host] ?? "", "PRIVATE KEY"),
            ...(step && { STEP: step }),
          },
        };
      }),
      {
        after:
          "cd /etc/pki/qemu; for file in ca-cert client-cert server-cert client-key server-key; do cat $file.pem; echo ====; done",
      },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const [trusted = "", ...own] = stdout.split("====\n").map((text) => text.trim());
    const [clientCert, serverCert, clientKey, serverKey] = own;
    expect([serverCert, serverKey]).toEqual([clientCert, clientKey]);
    expect(new X509Certificate(clientCert ?? "").checkPrivateKey(createPrivateKey(clientKey ?? ""))).toBe(
      true,
    );
    const trusts = trusted.match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
    return { trusts, presents: clientCert ?? "" };
  };
  const names = (trusts: readonly string[]) =>
    trusts.map((text) => new X509Certificate(text).subject.replace("CN=", ""));
  const signer = (text: string) => new X509Certificate(text).issuer.replace("CN=", "");
  const seen = (...steps: readonly Step[]) => {
    const { trusts, presents } = after(0, ...steps);
    return [names(trusts).join(), signer(presents)];
  };

  test("is trusted first, vouches then, and is trusted alone in the end", () => {
    expect(seen([0], [1, "trust"])).toEqual(["two,one", "one"]);
    expect(seen([0], [1, "trust"], [1, "present"])).toEqual(["two,one", "two"]);
    expect(seen([0], [1, "trust"], [1, "present"], [1, "only"])).toEqual(["two", "two"]);
  });

  test("changes nothing when its steps are repeated, and serves a new host at once", () => {
    expect(seen([0], [1, "trust"], [1, "trust"])).toEqual(["two,one", "one"]);
    expect(seen([0], [1, "trust"], [1, "present"], [1, "present"])).toEqual(["two,one", "two"]);
    expect(seen([0], [1, "trust"], [1, "present"], [1, "only"], [1, "trust"])).toEqual(["two", "two"]);
    expect(seen([1, "trust"])).toEqual(["two", "two"]);
  });

  test("is made anew once more before all hosts had it, and both former ones are trusted until then", () => {
    const cut = [[0], [1, "trust"], [1, "present"], [2, "trust"]] as const;
    expect(seen(...cut)).toEqual(["three,two,one", "two"]);
    expect(seen(...cut, [2, "present"], [2, "only"])).toEqual(["three", "three"]);
  });

  test("lets two hosts know each other at every moment, wherever a run ends", () => {
    const steps: Step[] = [[0], [1, "trust"], [1, "present"], [1, "only"]];
    const states = (host: number) => steps.map((_, at) => after(host, ...steps.slice(0, at + 1)));
    const [here, there] = [states(0), states(1)];
    // A host begins a step when all others have done the one before.
    for (const at of steps.keys()) {
      for (const other of [at - 1, at, at + 1]) {
        const [one, two] = [here[at], there[other]];
        if (!one || !two) continue;
        const trustedBy = ({ trusts }: typeof one, presented: string) =>
          trusts.some((text) => new X509Certificate(presented).verify(new X509Certificate(text).publicKey));
        expect([trustedBy(one, two.presents), trustedBy(two, one.presents)], `${at}, ${other}`).toEqual([
          true,
          true,
        ]);
      }
    }
  });
});
