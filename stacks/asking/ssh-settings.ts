import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { SshJump } from "../../libvirt/ssh-target.ts";
import type { StackConfig } from "../config.ts";
import { sshPort } from "../defaults.ts";
import { absolute } from "../files.ts";
import { type Mistake, pathText } from "../mistake.ts";
import type { SshSettings, SshSettingsByAddress } from "../ssh-settings.ts";

/** A name that nobody is called: where it comes back, nothing was said. */
const unsaid = { user: "-unsaid-", port: "65535" };

/**
 * Asks OpenSSH what ~/.ssh/config and /etc/ssh/ssh_config say of the machines, so that those who do not read them (the command
 * provider) connect in the same way. Returns mistakes for what only OpenSSH itself could do.
 */
export async function readSshSettings(
  config: StackConfig,
): Promise<{ settings: SshSettingsByAddress; mistakes: Mistake[] }> {
  if (config.lab) return { settings: {}, mistakes: [] };
  const machines: [PropertyKey[], string | undefined][] = [
    [["storage", "address"], config.storage.address],
    ...config.hosts.map(({ address }, i): [PropertyKey[], string | undefined] => [
      ["hosts", i, "address"],
      address,
    ]),
  ];
  const settings: Record<string, SshSettings> = {};
  const mistakes: Mistake[] = [];
  for (const [path, address] of machines) {
    if (address === undefined) continue;
    const said = parseSshConfig(await sshConfig(address));
    const hops = said.jumps.length;
    if (said.proxyCommand !== undefined || hops > 1) {
      mistakes.push({
        path: pathText(path),
        problem: `~/.ssh/config leads to ${address} ${hops > 1 ? `over ${hops} jump hosts` : `by the ProxyCommand "${said.proxyCommand}"`}`,
        fix: "lead there by a ProxyJump over one host: not all that connects to machines can do more",
      });
      continue;
    }
    const jump = said.jumps[0] === undefined ? undefined : await jumpOf(said.jumps[0]);
    const { hostName, port, user, identityAgent } = said;
    const privateKeyFile = firstThere(said.privateKeyFiles);
    settings[address] = {
      hostName,
      ...(port !== undefined && { port }),
      ...(user !== undefined && { user }),
      ...(privateKeyFile && { privateKeyFile }),
      ...(jump && { jump }),
      ...(identityAgent !== undefined && { identityAgent }),
    };
  }
  return { settings, mistakes };
}

/** What `ssh -G` prints, as far as it was said by somebody: what it makes up by itself is left out. */
export function parseSshConfig(printed: string) {
  const values = (key: string): string[] =>
    [...printed.matchAll(new RegExp(`^${key} (.+)$`, "gm"))].map(([, value = ""]) => value);
  const said = (key: string): string | undefined => values(key).find((value) => value !== "none");
  const user = said("user");
  const port = said("port");
  const keys = values("identityfile").map(withoutTokens);
  const agent = said("identityagent");
  return {
    hostName: said("hostname") ?? "",
    ...(user !== unsaid.user && { user }),
    ...(port !== unsaid.port && { port: Number(port) }),
    // Without any, OpenSSH lists the files that it looks for by default.
    privateKeyFiles: keys.filter(
      (file) => !/^~\/\.ssh\/id_(rsa|dsa|ecdsa|ecdsa_sk|ed25519|ed25519_sk|xmss)$/.test(file),
    ),
    jumps: said("proxyjump")?.split(",") ?? [],
    proxyCommand: said("proxycommand"),
    ...(agent !== undefined && agent !== "SSH_AUTH_SOCK" && { identityAgent: withoutTokens(agent) }),
  };
}

/** What OpenSSH makes of an address, and no more than that: see `unsaid`. */
export async function sshConfig(address: string): Promise<string> {
  // The first value that is found counts, so these are what is left when nothing is said.
  const defaults = `Match all\n  User ${unsaid.user}\n  Port ${unsaid.port}\n`;
  const files = [join(homedir(), ".ssh", "config"), "/etc/ssh/ssh_config"];
  const CONFIG = `${files.map((file) => `Include ${file}\n`).join("")}${defaults}`;
  // ssh opens its file by name: a shell's standard input has one, the sockets that Node makes have not.
  const script = 'ssh -G -T -F /dev/stdin -- "$1" <<< "$CONFIG"';
  const { stdout } = await execa("bash", ["-c", script, "bash", address], { env: { CONFIG } });
  return stdout;
}

/** @param text such as `user@bastion:2222`, of which all but the host may be missing */
async function jumpOf(text: string): Promise<SshJump> {
  const [, user, alias = "", port] =
    /^(?:(.*)@)?\[?(.*?)\]?(?::(\d+))?$/.exec(text.replace(/^ssh:\/\//, "")) ?? [];
  const said = parseSshConfig(await sshConfig(alias));
  const privateKeyFile = firstThere(said.privateKeyFiles);
  return {
    address: said.hostName,
    port: Number(port ?? said.port ?? sshPort),
    ...((user ?? said.user) && { user: user ?? said.user }),
    ...(privateKeyFile && { privateKeyFile }),
  };
}

/** A path with what stands for this machine alone: the home folder, and variables. An agent's may be one variable as a whole. */
const withoutTokens = (path: string): string =>
  path
    .replaceAll(/^\$(\w+)$|\$\{(\w+)\}/g, (text, whole, part) => process.env[whole ?? part] ?? text)
    .replaceAll(/%([%d])/g, (_, token) => (token === "d" ? homedir() : "%"));

const firstThere = (files: readonly string[]): string | undefined =>
  files.find((file) => existsSync(absolute(file)));
