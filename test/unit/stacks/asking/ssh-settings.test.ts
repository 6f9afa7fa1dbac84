import { homedir, hostname, userInfo } from "node:os";
import { describe, expect, test } from "vitest";
import { parseSshConfig, sshConfig, withoutTokens } from "../../../../stacks/asking/ssh-settings.ts";
import { parseStackConfig } from "../../../../stacks/checks/parse.ts";
import { planStack } from "../../../../stacks/plan.ts";

/** As `ssh -G` prints it, when the config ends with the user and the port that stand for "nothing was said". */
const printed = (...lines: string[]) =>
  [...lines, "proxyusefdpass no", "identityfile ~/.ssh/id_rsa", ""].join("\n");

test("of an address that nobody speaks of, nothing is known", () => {
  expect(parseSshConfig(printed("user -unsaid-", "hostname 192.0.2.11", "port 65535"))).toEqual({
    hostName: "192.0.2.11",
    privateKeyFiles: [],
    jumps: [],
    proxyCommand: undefined,
  });
});

test("an alias stands for a host, a port, a user, a key and the way there", () => {
  const said = printed(
    ...[
      "user admin",
      "hostname 192.0.2.11",
      "port 2222",
      "identityfile ~/.ssh/lab",
      "proxyjump me@gate:22022,inner",
    ],
  );
  expect(parseSshConfig(said)).toMatchObject({
    hostName: "192.0.2.11",
    port: 2222,
    user: "admin",
    privateKeyFiles: ["~/.ssh/lab"],
    jumps: ["me@gate:22022", "inner"],
  });
});

test("a command of one's own is seen, and none is none", () => {
  const said = (command: string) =>
    parseSshConfig(printed("hostname h", `proxycommand ${command}`)).proxyCommand;
  expect(said("nc %h %p")).toBe("nc %h %p");
  expect(said("none")).toBeUndefined();
});

test("an agent of one's own is known", () => {
  const said = (...lines: string[]) => parseSshConfig(printed("hostname h", ...lines));
  expect(said("identityagent ~/.agent")).toMatchObject({ identityAgent: "~/.agent" });
  expect(said("identityagent SSH_AUTH_SOCK")).not.toHaveProperty("identityAgent");
  expect(said("identityagent none")).not.toHaveProperty("identityAgent");
});

describe("a path in ~/.ssh/config", () => {
  const login = {
    ...{ address: "kvm1", port: 2222, user: "admin" },
    ...{ hostName: "192.0.2.11", hostKeyAlias: undefined, jumps: ["gate"] },
  };

  test("has what its variables and tokens stand for", () => {
    expect(withoutTokens("%d/.ssh/100%%", login)).toBe(`${homedir()}/.ssh/100%%`);
    expect(withoutTokens("${HOME}/.ssh/lab", login)).toBe(`${process.env.HOME}/.ssh/lab`);
    expect(withoutTokens("~/.ssh/keys/%h-%n-%k-%p-%r-%j", login)).toBe(
      "~/.ssh/keys/192.0.2.11-kvm1-kvm1-2222-admin-gate",
    );
    expect(withoutTokens("/run/user/%i/%u@%l", login)).toBe(
      `/run/user/${userInfo().uid}/${userInfo().username}@${hostname()}`,
    );
    expect(withoutTokens("%k", { ...login, hostKeyAlias: "lab1" })).toBe("lab1");
  });

  test("keeps what only OpenSSH knows", () => {
    expect(withoutTokens("~/.ssh/%C", login)).toBe("~/.ssh/%C");
  });
});

test("the stack's config comes first, then ~/.ssh/config, then port 22 and root", () => {
  const config = parseStackConfig(
    {
      storage: { address: "store" },
      hosts: [
        { name: "host1", address: "one", port: 2201, user: "me" },
        { name: "host2", address: "192.0.2.12" },
      ],
      guests: [{ name: "vm1" }],
      placement: { vm1: "host1" },
    },
    "mine",
  );
  const jump = { address: "192.0.2.1", port: 22 };
  const { storage, hosts } = planStack(config, "mine", {
    ssh: {
      store: { hostName: "192.0.2.10", port: 2222, user: "admin", privateKeyFile: "~/.ssh/lab" },
      one: { hostName: "192.0.2.11", port: 2222, user: "admin", jump },
      "192.0.2.12": { hostName: "192.0.2.12" },
    },
    boots: { host2: "a081" },
  });
  expect(storage).toMatchObject({
    address: "192.0.2.10",
    ssh: {
      address: "store",
      hostName: "192.0.2.10",
      port: 2222,
      user: "admin",
      privateKeyFile: "~/.ssh/lab",
    },
  });
  expect(hosts[0]).toMatchObject({
    migrationAddress: "192.0.2.11",
    ssh: { address: "one", hostName: "192.0.2.11", port: 2201, user: "me", jump },
  });
  expect(hosts.map(({ boot }) => boot)).toEqual([undefined, "a081"]);
  expect(hosts[1]?.ssh).toEqual({ name: "host2", address: "192.0.2.12", port: 22, user: "root" });
});

test("OpenSSH itself is asked", async () => {
  expect(parseSshConfig(await sshConfig("no-alias.example"))).toMatchObject({ hostName: "no-alias.example" });
});
