import { userInfo } from "node:os";
import { execa } from "execa";
import { sshOptions } from "../../ssh/options.ts";
import type { SshJump } from "../../ssh/target.ts";
import { absolute } from "../files.ts";
import { type ProviderRoute, providerRoute, readAsProvider } from "./provider-reading.ts";
import { Unusable } from "./unusable.ts";

// Whether libvirt's provider gets to the storage host as OpenSSH does, and what to write where it does not.

/** A machine and who logs in to it. */
export interface Login {
  address: string;
  port: number;
  user: string;
}

/** A jump host, and what it is called in ~/.ssh/config. */
export interface Jump {
  alias: string;
  jump: SshJump;
  identityAgent?: string | undefined;
}

/**
 * What libvirt's provider is to call the machine, to get there as OpenSSH does. The address in the stack, if it can be.
 *
 * @throws Unusable
 */
export async function nameForProvider({
  address,
  port,
  user,
  hostName,
  jump,
}: Login & { hostName: string; jump?: Jump }): Promise<string> {
  const read = readAsProvider();
  const wanted: ProviderRoute = {
    hostName,
    port,
    ...(jump && { jump: { hostName: jump.jump.address, port: jump.jump.port } }),
  };
  const leadsThere = (name: string) => {
    const route = providerRoute(read ?? (() => undefined), name, port);
    return isSame(route, wanted) && !(jump && read?.(read(name, "proxyjump") ?? "", "proxyjump"));
  };
  const name = [address, hostName].find(leadsThere);
  if (name === undefined) {
    const over = jump ? jump.alias : undefined;
    const lines = [
      `Host ${address}`,
      `HostName ${hostName}`,
      `Port ${port}`,
      ...(jump && over
        ? [`ProxyJump ${over}`, `Host ${over}`, `HostName ${jump.jump.address}`, `Port ${jump.jump.port}`]
        : []),
    ].join(", ");
    throw new Unusable(
      `OpenSSH gets to ${address} by settings that libvirt's provider, with an SSH client of its own, ${read ? "reads otherwise: it reads ~/.ssh/config alone, knows neither tokens nor a user or port in ProxyJump, and takes the word none for a host" : "does not read: it passes over a ~/.ssh/config with Match in it, or in what it includes"}`,
      `${read ? "" : "move what stands below Match to /etc/ssh/ssh_config, and "}let ~/.ssh/config begin with these lines: ${lines}`,
    );
  }
  if (
    jump &&
    (jump.jump.user ?? userInfo().username) !== user &&
    (await refuses(jump, { address: hostName, port, user }))
  ) {
    throw new Unusable(
      `libvirt's provider logs in to a jump host as it does behind it, as ${user}, whatever User ~/.ssh/config has for ${jump.alias}, which does not let ${user} in`,
      `let ${user} in there with the same key (it needs to forward connections alone), or set storage.user to one whom both let in`,
    );
  }
  return name;
}

/** OpenSSH prints names in small letters. */
const isSame = (one: ProviderRoute, other: ProviderRoute): boolean =>
  one.hostName.toLowerCase() === other.hostName.toLowerCase() &&
  one.port === other.port &&
  (one.jump && other.jump ? isSame(one.jump, other.jump) : one.jump === other.jump);

/** Whether a jump host lets another one than its own user not in. One that does not answer is told of elsewhere. */
async function refuses({ alias, jump }: Jump, { address, port, user }: Login): Promise<boolean> {
  const { privateKeyFile } = jump;
  const target = {
    name: alias,
    address: alias,
    port: jump.port,
    user,
    ...(privateKeyFile && { privateKeyFile }),
  };
  const { stderr } = await execa("ssh", [...sshOptions(target), "-W", `${address}:${port}`, alias], {
    stdin: "ignore",
    reject: false,
    timeout: 30_000,
  });
  return stderr.includes("Permission denied");
}

/** The provider asks the agent of SSH_AUTH_SOCK, and reads keys without a passphrase. Throws Unusable. */
export async function agentForProvider(socket: string, privateKeyFile: string | undefined): Promise<void> {
  const files = privateKeyFile
    ? [privateKeyFile]
    : ["id_ed25519", "id_ecdsa", "id_rsa"].map((key) => `~/.ssh/${key}`);
  for (const file of files) {
    const { exitCode } = await execa("ssh-keygen", ["-y", "-P", "", "-f", absolute(file)], { reject: false });
    if (exitCode === 0) return;
  }
  const { exitCode } = await execa("ssh-add", ["-l"], { reject: false });
  if (exitCode === 0) return;
  throw new Unusable(
    `its key is in the agent that ~/.ssh/config names (IdentityAgent ${socket}), and libvirt's provider asks the one of SSH_AUTH_SOCK alone, which ${process.env.SSH_AUTH_SOCK ? "does not answer or has no key" : "is not set"}`,
    `run pulumi with SSH_AUTH_SOCK=${absolute(socket)}`,
  );
}

/** To a machine behind a jump host that has another key, the provider finds its way by ~/.ssh/config alone. Throws Unusable. */
export function keyForProvider(address: string, privateKeyFile: string, { alias, jump }: Jump): void {
  if (jump.privateKeyFile === undefined || absolute(jump.privateKeyFile) === absolute(privateKeyFile)) return;
  const read = readAsProvider();
  const own = [
    [address, privateKeyFile],
    [alias, jump.privateKeyFile],
  ] as const;
  const wrong = own.find(([name, file]) => absolute(read?.(name, "identityfile") ?? "") !== absolute(file));
  if (wrong === undefined) return;
  const [name, file] = wrong;
  throw new Unusable(
    `libvirt's provider, which has an SSH client of its own, takes the keys of ${address} and of its jump host ${alias}, which differ, from ~/.ssh/config word by word, and does not find ${file} there for ${name}`,
    `let the first IdentityFile below Host ${name} there be ${file}, or let both have one key`,
  );
}
