// The program's own SSH connections with OpenSSH's real server as distributions set it up, and users as they are.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SshSession } from "../../ssh/session.ts";
import type { SshTarget } from "../../ssh/target.ts";
import { type Sshd, startSshd } from "./offline-sshd.ts";

let folder: string;
let sshd: Sshd;
let target: SshTarget;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "connections test-"));
  // A login that prints on both ways, and another locale.
  writeFileSync(
    join(folder, "login"),
    '#!/bin/bash\necho "Welcome to $HOSTNAME"; printf careful >&2\nexec bash -c "$SSH_ORIGINAL_COMMAND"\n',
  );
  writeFileSync(join(folder, "asleep"), "#!/bin/bash\nexec sleep 100\n");
  for (const name of ["login", "asleep"]) chmodSync(join(folder, name), 0o755);
  sshd = await startSshd(["SetEnv LC_NUMERIC=de_DE.UTF-8", `ForceCommand "${folder}/login"`]);
  target = given(sshd);
});
afterAll(async () => {
  await sshd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Its key's path has a blank. */
function given(server: Sshd): SshTarget {
  const [privateKeyFile, knownHostsFile] = [
    join(folder, `key ${server.port}`),
    join(folder, `known ${server.port}`),
  ];
  writeFileSync(privateKeyFile, server.privateKey, { mode: 0o600 });
  writeFileSync(knownHostsFile, `[127.0.0.1]:${server.port} ${server.hostKey}\n`);
  return {
    name: "host1",
    address: "127.0.0.1",
    port: server.port,
    user: "root",
    privateKeyFile,
    knownHostsFile,
  };
}

test("what a login prints is no answer, and no clock", async () => {
  const session = await SshSession.open(target);
  try {
    expect(await session.run("asking", 'echo "it\'s $LC_ALL\\!"; echo e >&2')).toEqual({
      stdout: "it's C\\!",
      stderr: "e",
      exitCode: 0,
    });
    const lines: string[] = [];
    await session.follow("printf '%s\\n' a b", (line) => lines.push(line)).ended;
    expect(lines).toEqual(["a", "b"]);
    expect(Math.abs((await session.readClock()).offsetMs)).toBeLessThan(100);
    await expect(session.run("failing", "echo secret; exit 255", { secretOutput: true })).rejects.toThrow(
      /^failing on host1 failed \(exit code 255\): $/,
    );
  } finally {
    await session.close();
  }
});

test("reaching a host names a login that prints, and takes one that does not", async () => {
  // As on a host, it has no blanks in it.
  const scripts = mkdtempSync(join(tmpdir(), "scripts-"));
  const reach = ({ port, privateKeyFile = "", knownHostsFile = "" }: SshTarget) =>
    execa("bash", [join(import.meta.dirname, "../../hosts/reach.sh")], {
      env: {
        ...{ HOST_NAME: "host1", HOST_ADDRESS: "127.0.0.1", HOST_PORT: String(port), HOST_USER: "root" },
        ...{
          HOST_KEY_FILE: privateKeyFile,
          KNOWN_HOSTS_FILE: knownHostsFile,
          KNOWN_HOSTS: "strict",
          HOST_KEY: "",
          // This machine is no host.
          SCRIPT_FOLDER: scripts,
        },
      },
      reject: false,
    });
  expect((await reach(target)).stderr).toMatch(/the login of root prints something \("Welcome to /);
  const plain = await startSshd();
  try {
    expect(await reach(given(plain))).toMatchObject({ exitCode: 0, stderr: "" });
  } finally {
    rmSync(scripts, { recursive: true });
    await plain.stop();
  }
});

test("with sshd's own limits many commands at once share a few connections", async () => {
  const session = await SshSession.open(target);
  try {
    const connections = new Set<string>();
    const heard = Array.from({ length: 40 }, () => Promise.withResolvers<void>());
    const followers = heard.map(({ resolve }) =>
      session.follow('echo "$SSH_CONNECTION"; sleep infinity', (line) => {
        connections.add(line);
        resolve();
      }),
    );
    await Promise.all(heard.map(({ promise }) => promise));
    expect(connections.size).toBe(5);
    await Promise.all(followers.map((follower) => follower.stop()));
  } finally {
    await session.close();
  }
});

test("a line handler that throws ends its own command alone", async () => {
  const session = await SshSession.open(target);
  try {
    const follower = session.follow("echo '{'; sleep 100", (line) => JSON.parse(line));
    await expect(follower.ended).rejects.toThrow(SyntaxError);
    expect((await session.run("asking", "echo on")).stdout).toBe("on");
  } finally {
    await session.close();
  }
});

test("a shell that does not answer is given up, and said to be that", async () => {
  const silent = await startSshd([`ForceCommand "${folder}/asleep"`]);
  try {
    await expect(SshSession.open(given(silent))).rejects.toThrow(
      /it logged in, and the shell there does not answer within 30 s/,
    );
  } finally {
    await silent.stop();
  }
});

test("a long folder for temporary files is no matter", async () => {
  const long = join(folder, "long".repeat(30));
  mkdirSync(long);
  const module = JSON.stringify(join(import.meta.dirname, "../../ssh/session.ts"));
  const program = `const { SshSession } = await import(${module});
    const session = await SshSession.open(${JSON.stringify(target)});
    console.log((await session.run("asking", "echo on")).stdout);
    await session.close();`;
  const { stdout } = await execa(process.execPath, ["--input-type=module", "-e", program], {
    env: { TMPDIR: long, XDG_RUNTIME_DIR: long },
  });
  expect(stdout).toBe("on");
  expect(readdirSync(long)).toEqual([]);
});
