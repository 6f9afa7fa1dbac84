import { describe, expect, test } from "vitest";
import { hasSandbox, runOnSandbox, runRounds } from "../helpers/host-sandbox.ts";

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

  test.each([
    ["one that is there keeps its mode", "mkdir -m 700 /root/.ssh", "700\n"],
    ["whatever it is", "mkdir -m 711 /root/.ssh", "711\n"],
    ["one that is made is root's alone", ":", "700\n"],
  ])("of root's folder, %s", (_, make, mode) => {
    const environment = { FROM: "198.51.100.12", PUBLIC_KEY: key, PRIVATE_KEY: "private", HOSTS: "" };
    const around = { before: `mount -t tmpfs own /root; ${make}`, after: "stat -c %a /root/.ssh" };
    expect(runOnSandbox("trust", environment, around)).toMatchObject({ stdout: mode, status: 0 });
  });

  test("is limited where an earlier version let it in from everywhere; a user's own keys stay", () => {
    const before = `ssh-rsa OTHER me\n# BEGIN kvm-migration-testbed\n${key}\n# END kvm-migration-testbed\n`;
    expect(trust("198.51.100.12", ["apply"], before).stdout).toBe(
      `ssh-rsa OTHER me\nfrom="198.51.100.12",restrict ${key}\n`,
    );
    expect(trust("198.51.100.12", ["apply", "remove"], before).stdout).toBe("ssh-rsa OTHER me\n");
  });
});

describe.skipIf(!hasSandbox("bash"))("a key between hosts that is made anew", () => {
  interface Round {
    key: string;
    step?: "both" | "only";
    from?: string;
    action?: "apply" | "remove";
  }

  /** What root may log in with after some rounds, and whom it lets in. */
  const after = (...rounds: readonly Round[]) => {
    const { status, stdout, stderr } = runRounds(
      "trust",
      rounds.map(({ key, step, from = "198.51.100.12", action }) => ({
        action,
        variables: {
          FROM: from,
          PUBLIC_KEY: `ssh-ed25519 ${key} kvm-migration-testbed`,
          PRIVATE_KEY: `private ${key}\n`,
          HOSTS: "host2 198.51.100.12 22 ssh-ed25519 AAAA",
          ...(step && { STEP: step }),
        },
      })),
      {
        before: "mount -t tmpfs own /root",
        after: [
          "config=/etc/ssh/ssh_config.d/kvm-migration-testbed.conf",
          "[ ! -e $config ] || sed -n 's/.*IdentityFile //p' $config | xargs stat -c %a | sort -u",
          "[ ! -e $config ] || sed -n 's/.*IdentityFile //p' $config | xargs cat",
          "grep -hvs -e '^#' -e '^$' /root/.ssh/authorized_keys || true",
          "find /root/.ssh -name '*former*' 2>/dev/null | wc -l",
        ].join("\n"),
      },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    return {
      modes: lines.filter((line) => /^\d{3}$/.test(line)),
      logsInWith: lines.flatMap((line) => /^private (.*)/.exec(line)?.[1] ?? []),
      letsIn: lines.filter((line) => line.startsWith("from=")),
      formers: Number(lines.at(-1)),
    };
  };
  const only = (key: string) => ({
    modes: ["600"],
    logsInWith: [key],
    letsIn: [entry(key)],
    formers: 0,
  });
  const entry = (key: string, from = "198.51.100.12") =>
    `from="${from}",restrict ssh-ed25519 ${key} kvm-migration-testbed`;

  test("stands beside the former one at first, which lets in from nowhere else than the new one", () => {
    const both = after({ key: "ONE", from: "198.51.100.12 198.51.100.13" }, { key: "TWO", step: "both" });
    expect(both).toEqual({
      modes: ["600"],
      logsInWith: ["TWO", "ONE"],
      letsIn: [entry("TWO"), entry("ONE")],
      formers: 1,
    });
  });

  test("is the only one then", () => {
    expect(after({ key: "ONE" }, { key: "TWO", step: "both" }, { key: "TWO", step: "only" })).toEqual(
      only("TWO"),
    );
  });

  test("changes nothing when its steps are repeated", () => {
    const both = { key: "TWO", step: "both" } as const;
    expect(after({ key: "ONE" }, both, both)).toEqual(after({ key: "ONE" }, both));
    const last = { key: "TWO", step: "only" } as const;
    expect(after({ key: "ONE" }, both, last, both)).toEqual(only("TWO"));
    expect(after({ key: "TWO", step: "both" }, last)).toEqual(only("TWO"));
  });

  test("leaves none out when it is made anew again before all hosts had it", () => {
    const rounds = [{ key: "ONE" }, { key: "TWO", step: "both" }, { key: "THREE", step: "both" }] as const;
    const { logsInWith, letsIn } = after(...rounds);
    expect([logsInWith[0], ...logsInWith.slice(1).sort()]).toEqual(["THREE", "ONE", "TWO"]);
    expect(letsIn).toEqual(["THREE", "TWO", "ONE"].map((key) => entry(key)));
    expect(after(...rounds, { key: "THREE", step: "only" })).toEqual(only("THREE"));
  });

  test("goes with the former one when the host leaves in between", () => {
    expect(
      after({ key: "ONE" }, { key: "TWO", step: "both" }, { key: "TWO", step: "both", action: "remove" }),
    ).toEqual({ modes: [], logsInWith: [], letsIn: [], formers: 0 });
  });

  test("is one that two hosts share at every moment, wherever a run ends", () => {
    const steps = [{ key: "ONE" }, { key: "TWO", step: "both" }, { key: "TWO", step: "only" }] as const;
    const states = steps.map((_, at) => after(...steps.slice(0, at + 1)));
    // A host begins a step when all others have done the one before.
    for (const [from, to] of [0, 1, 2].flatMap((at) => [
      [at, at],
      [at, at + 1],
      [at + 1, at],
    ])) {
      const [client, server] = [states[from as number], states[to as number]];
      if (!client || !server) continue;
      const shared = client.logsInWith.filter((key) => server.letsIn.includes(entry(key)));
      expect(shared, `from a host at step ${from} to one at step ${to}`).not.toEqual([]);
    }
  });
});
