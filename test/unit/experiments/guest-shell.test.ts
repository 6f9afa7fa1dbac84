import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runInGuest } from "../../../experiments/guest-shell.ts";

let folder: string;
const path = process.env.PATH;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "guest-shell-"));
  // OpenSSH itself reads the options, and says which key it would log in with.
  writeFileSync(
    join(folder, "ssh"),
    `#!/bin/bash\nPATH=\${PATH#*:}; ssh -G "\${@:1:$#-1}" | grep '^identityfile' > ${folder}/key; exec bash -c "\${@: -1}"\n`,
  );
  chmodSync(join(folder, "ssh"), 0o755);
  process.env.PATH = `${folder}:${path}`;
});
afterEach(() => {
  process.env.PATH = path;
  rmSync(folder, { recursive: true });
});

test.each(["/home/a b/id", "/srv/100%/id", '/srv/"x"/id', "/plain/id"])(
  "a guest is logged in to with the key of that path: %s",
  async (privateKeyFile) => {
    const jump = { name: "store", address: "192.0.2.10", port: 22, user: "root" };
    const login = { guest: "vm1", address: "192.0.2.101", user: "debian", privateKeyFile, jump };
    expect((await runInGuest(login, "asking", "echo hello")).stdout).toBe("hello\n");
    expect(readFileSync(join(folder, "key"), "utf8")).toBe(
      `identityfile ${privateKeyFile.replaceAll("%", "%%")}\n`,
    );
  },
);
