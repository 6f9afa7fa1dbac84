import { describe, expect, test } from "vitest";
import { hasSandbox, runOnSandbox } from "./host-sandbox.ts";

describe.skipIf(!hasSandbox("bash"))("the key with which hosts reach each other", () => {
  const key = "ssh-ed25519 AAAA kvm-migration-testbed";
  const trust = (from: string, actions: readonly ("apply" | "remove")[] = ["apply"], there = "") =>
    runOnSandbox(
      "trust",
      {
        FROM: from,
        PUBLIC_KEY: key,
        PRIVATE_KEY: "private",
        HOSTS: "host1 198.51.100.11 22 ssh-ed25519 AAAA",
      },
      {
        before: `mount -t tmpfs own /root; mkdir /root/.ssh; printf '%s' '${there}' > /root/.ssh/authorized_keys`,
        after: "grep -v '^#' /root/.ssh/authorized_keys | grep . || true",
        programs: { getent: '[ "$2" != kvm2.example ] || echo "198.51.100.12 STREAM"' },
      },
      actions,
    );

  test("opens a host to the other hosts' addresses alone, and to commands alone", () => {
    const { stdout, status } = trust("198.51.100.12 192.0.2.12");
    expect({ stdout, status }).toEqual({
      stdout: `from="198.51.100.12,192.0.2.12",restrict ${key}\n`,
      status: 0,
    });
  });

  test("knows a name by its address", () => {
    expect(trust("kvm2.example nobody.example").stdout).toContain(
      'from="198.51.100.12,nobody.example",restrict',
    );
  });

  test("opens nothing where there are no others", () => {
    expect(trust("").stdout).toBe("");
  });

  test("is limited where an earlier version let it in from everywhere; a user's own keys stay", () => {
    const before = `ssh-rsa OTHER me\n# BEGIN kvm-migration-testbed\n${key}\n# END kvm-migration-testbed\n`;
    expect(trust("198.51.100.12", ["apply"], before).stdout).toBe(
      `ssh-rsa OTHER me\nfrom="198.51.100.12",restrict ${key}\n`,
    );
    expect(trust("198.51.100.12", ["apply", "remove"], before).stdout).toBe("ssh-rsa OTHER me\n");
  });
});
