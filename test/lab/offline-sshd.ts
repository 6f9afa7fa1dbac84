// OpenSSH's real server on loopback, for tests: its own port, host key and users' keys. Where openssh-server is not
// installed it is taken from the package without installing that, as an installed one would start a service.
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { until } from "./offline-harness.ts";
import { signal } from "./traces.ts";

export interface Sshd {
  readonly port: number;
  /** The server's own, as in authorized_keys. */
  readonly hostKey: string;
  /** One that may log in as root, and one that may not. */
  readonly privateKey: string;
  readonly otherPrivateKey: string;
  stop(): Promise<void>;
}

/**
 * Starts a server that accepts variables named GOOD_* from its clients. Needs root.
 *
 * @param settings further lines of its configuration
 * @param listenAddress where it listens
 */
export async function startSshd(
  settings: readonly string[] = [],
  listenAddress = "127.0.0.1",
): Promise<Sshd> {
  const dir = mkdtempSync(join(tmpdir(), "sshd-"));
  const { sshd, sftp, libraries } = await binaries(dir);
  for (const name of ["host", "user", "other"])
    await execa`ssh-keygen -q -t ed25519 -N ${""} -C ${name} -f ${join(dir, name)}`;
  const read = (name: string) => readFileSync(join(dir, name), "utf8");
  const port = await freePort();
  writeFileSync(
    join(dir, "config"),
    [
      `Port ${port}`,
      `ListenAddress ${listenAddress}`,
      `HostKey ${dir}/host`,
      `AuthorizedKeysFile ${dir}/user.pub`,
      "StrictModes no", // the folder is below /tmp
      "PidFile none",
      "AcceptEnv GOOD_*",
      `Subsystem sftp ${sftp}`,
      ...settings,
    ].join("\n"),
  );
  // The server insists on a user "sshd" and on /run/sshd; it gets both in a mount namespace of its own.
  copyFileSync("/etc/passwd", join(dir, "passwd"));
  if (!/^sshd:/m.test(read("passwd")))
    appendFileSync(join(dir, "passwd"), "sshd:x:65533:65534::/run/sshd:/bin/false\n");
  mkdirSync("/run/sshd", { recursive: true });
  const script = `mount --bind ${dir}/passwd /etc/passwd && exec ${sshd} -D -e -f ${dir}/config`;
  const server = execa({ env: { LD_LIBRARY_PATH: libraries }, reject: false, all: true })("unshare", [
    "--mount",
    "sh",
    "-c",
    script,
  ]);
  let ended: string | undefined;
  void server.then((result) => {
    ended = result.all;
  });
  let answers = false;
  await until(() => {
    if (ended !== undefined) throw new Error(`sshd ended: ${ended}`);
    connect(port, listenAddress, function (this: { end(): void }) {
      answers = true;
      this.end();
    }).on("error", () => {});
    return answers;
  }, "sshd to listen");
  return {
    port,
    hostKey: read("host.pub").trim(),
    privateKey: read("user"),
    otherPrivateKey: read("other"),
    stop: async () => {
      // A session whose client was cut off would outlive it, and hold what it writes to.
      const sessions = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8");
      server.kill();
      for (const session of sessions.split(" ").filter(Boolean)) signal(Number(session), "SIGKILL");
      await server;
      rmSync(dir, { recursive: true });
    },
  };
}

async function binaries(dir: string): Promise<{ sshd: string; sftp: string; libraries: string }> {
  const [sshd, sftp] = ["/usr/sbin/sshd", "/usr/lib/openssh/sftp-server"];
  if (existsSync(sshd) && existsSync(sftp)) return { sshd, sftp, libraries: "" };
  const root = join(dir, "root");
  // root's apt-get would drop to the user _apt, who may not write here
  await execa({
    cwd: dir,
  })`apt-get -q -o APT::Sandbox::User=root download openssh-server openssh-sftp-server libwrap0`;
  for (const name of readdirSync(dir).filter((file) => file.endsWith(".deb")))
    await execa`dpkg-deb -x ${join(dir, name)} ${root}`;
  const folders = readdirSync(join(root, "usr/lib"), { recursive: true, withFileTypes: true })
    .concat(
      existsSync(join(root, "lib"))
        ? readdirSync(join(root, "lib"), { recursive: true, withFileTypes: true })
        : [],
    )
    .filter((entry) => entry.name.startsWith("libwrap.so"))
    .map((entry) => entry.parentPath);
  return { sshd: join(root, sshd), sftp: join(root, sftp), libraries: [...new Set(folders)].join(":") };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
