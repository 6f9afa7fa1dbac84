import { existsSync, readFileSync } from "node:fs";
import { homedir, hostname, userInfo } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { StackConfig } from "../config.ts";
import { sshPort } from "../defaults.ts";
import { absolute } from "../files.ts";
import { type Mistake, pathText } from "../mistake.ts";
import type { SshSettings, SshSettingsByAddress } from "../ssh-settings.ts";
import { agentForProvider, type Jump, keyForProvider, type Login, nameForProvider } from "./provider-ssh.ts";
import { Unusable } from "./unusable.ts";

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
  const storage: Machine = { path: ["storage", "address"], isStorage: true, ...config.storage };
  const machines = [
    storage,
    ...config.hosts.map((host, i): Machine => ({ path: ["hosts", i, "address"], ...host })),
  ];
  const settings: Record<string, SshSettings> = {};
  const mistakes: Mistake[] = [];
  for (const machine of machines) {
    const { path, address } = machine;
    if (address === undefined) continue;
    try {
      settings[address] = await settingsOf({ ...machine, address }, config);
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      mistakes.push({ path: pathText(path), problem: error.message, fix: error.fix });
    }
  }
  return { settings, mistakes };
}

interface Machine {
  path: PropertyKey[];
  isStorage?: boolean;
  address?: string | undefined;
  port?: number | undefined;
  user?: string | undefined;
}

/** Throws Unusable. */
async function settingsOf(
  { address, isStorage, ...machine }: Machine & { address: string },
  { ssh }: StackConfig,
): Promise<SshSettings> {
  const said = parseSshConfig(await sshConfig(address));
  const hops = said.jumps.length;
  if (said.proxyCommand !== undefined || hops > 1) {
    throw new Unusable(
      `~/.ssh/config leads to ${address} ${hops > 1 ? `over ${hops} jump hosts` : `by the ProxyCommand "${said.proxyCommand}"`}`,
      "lead there by a ProxyJump over one host: not all that connects to machines can do more",
    );
  }
  const jump = said.jumps[0] === undefined ? undefined : await jumpOf(said.jumps[0]);
  const port = machine.port ?? said.port ?? sshPort;
  const user = machine.user ?? said.user ?? "root";
  const { privateKeyFile, identityAgent } = filesOf(said, { address, port, user });
  const toLibvirt = isStorage
    ? await nameForProvider({ address, port, user, hostName: said.hostName, ...(jump && { jump }) })
    : address;
  const key = ssh.privateKeyFile ?? privateKeyFile;
  if (isStorage && jump && key !== undefined) keyForProvider(address, key, jump);
  const agent = identityAgent ?? jump?.identityAgent;
  if (isStorage && agent !== undefined) await agentForProvider(agent, key);
  return {
    hostName: said.hostName,
    ...(said.port !== undefined && { port: said.port }),
    ...(said.user !== undefined && { user: said.user }),
    ...(privateKeyFile && { privateKeyFile }),
    ...(jump && { jump: jump.jump }),
    ...(identityAgent !== undefined && { identityAgent }),
    ...(toLibvirt !== address && { libvirtName: toLibvirt }),
  };
}

/** What `ssh -G` prints, as far as it was said by somebody: what it makes up by itself is left out. */
export function parseSshConfig(printed: string) {
  const values = (key: string): string[] =>
    [...printed.matchAll(new RegExp(`^${key} (.+)$`, "gm"))].map(([, value = ""]) => value);
  const said = (key: string): string | undefined => values(key).find((value) => value !== "none");
  const user = said("user");
  const port = said("port");
  const keys = values("identityfile");
  const alias = said("hostkeyalias");
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
    ...(agent !== undefined && agent !== "SSH_AUTH_SOCK" && { identityAgent: agent }),
    ...(alias !== undefined && { hostKeyAlias: alias }),
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

type SaidSettings = ReturnType<typeof parseSshConfig>;

/**
 * @param text such as `user@bastion:2222`, of which all but the host may be missing
 * @throws Unusable
 */
async function jumpOf(text: string): Promise<Jump> {
  const [, ownUser, alias = "", ownPort] =
    /^(?:(.*)@)?\[?(.*?)\]?(?::(\d+))?$/.exec(text.replace(/^ssh:\/\//, "")) ?? [];
  const said = parseSshConfig(await sshConfig(alias));
  const further =
    said.jumps.length > 0
      ? `ProxyJump ${said.jumps}`
      : said.proxyCommand && `ProxyCommand ${said.proxyCommand}`;
  if (further) {
    throw new Unusable(
      `~/.ssh/config leads to the jump host ${alias} by a way of its own (${further})`,
      `lead to ${alias} directly (for it, ProxyJump none and ProxyCommand none): not all that connects to machines can do more than one jump`,
    );
  }
  const user = ownUser ?? said.user;
  const port = Number(ownPort ?? said.port ?? sshPort);
  const files = filesOf(said, { address: alias, port, user: user ?? userInfo().username });
  const jump = { address: said.hostName, port, ...(user && { user }), ...files };
  return { alias, jump, identityAgent: files.identityAgent };
}

/** Its key, if there is one for those who read it themselves, and its agent. Throws Unusable. */
function filesOf(
  { privateKeyFiles, identityAgent, ...said }: SaidSettings,
  login: Login,
): Pick<SshSettings, "privateKeyFile" | "identityAgent"> {
  const expand = (setting: string, path: string) => {
    const expanded = withoutTokens(path, { ...login, ...said });
    const left = /%[^%]/.exec(expanded.replaceAll("%%", ""))?.[0];
    if (left === undefined) return expanded.replaceAll("%%", "%");
    throw new Unusable(
      `~/.ssh/config has ${setting} ${path} for ${login.address}, and only OpenSSH knows what ${left} stands for there`,
      "write the path without it",
    );
  };
  // A public key there only says which of the agent's keys is meant.
  const key = privateKeyFiles.map((file) => expand("IdentityFile", file)).find(isPrivateKey);
  return {
    ...(key !== undefined && { privateKeyFile: key }),
    ...(identityAgent !== undefined && { identityAgent: expand("IdentityAgent", identityAgent) }),
  };
}

/**
 * A path with what variables and tokens stand for, but for `%%`. An agent's may be one variable as a whole. `%C` stays: what it is made of
 * differs by OpenSSH's version.
 */
export function withoutTokens(
  path: string,
  {
    address,
    port,
    user,
    hostName,
    hostKeyAlias,
    jumps,
  }: Login & Pick<SaidSettings, "hostName" | "hostKeyAlias" | "jumps">,
): string {
  const self = userInfo();
  const [shortName = ""] = hostname().split(".");
  const tokens: Record<string, string> = {
    ...{ d: homedir(), i: String(self.uid), u: self.username, l: hostname(), L: shortName },
    ...{ h: hostName, n: address, k: hostKeyAlias ?? address, p: String(port), r: user, j: jumps.join(",") },
  };
  return path
    .replaceAll(/^\$(\w+)$|\$\{(\w+)\}/g, (text, whole, part) => process.env[whole ?? part] ?? text)
    .replaceAll(/%(.)/g, (text, token) =>
      Object.hasOwn(tokens, token) ? (tokens[token] ?? "").replaceAll("%", "%%") : text,
    );
}

const isPrivateKey = (file: string): boolean =>
  existsSync(absolute(file)) && readFileSync(absolute(file), "latin1").includes("PRIVATE KEY-----");
