import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fenceExportScript } from "../../../fleet/fence-export.ts";
import { hasSandbox } from "../helpers/host-sandbox.ts";

// The export is closed to a client in a network of this test's own, with a server that only takes and refuses calls.

const [server, client, other] = ["10.9.8.1", "10.9.8.2", "10.9.8.22"];
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fence-export-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const conf = (clients: string) =>
  `# Written by kvm-migration-testbed.\n  # Clients = none of these\n    Clients = ${clients};\n`;

/** @param serves the calls that the server refuses to who may not mount; absent: there is none */
function close({ clients, reloads = true, serves }: { clients: string; reloads?: boolean; serves?: string }) {
  const file = join(folder, "ganesha.conf");
  writeFileSync(file, conf(clients));
  const program = (name: string, text: string) =>
    writeFileSync(join(folder, name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
  const take = `sed -n 's/^ *Clients = \\(.*\\);/\\1/p' ${file} | tr , ' ' > ${folder}/allowed`;
  program(
    "systemctl",
    `case "$*" in *is-active*) ;; *show*) echo 'Sun 2026-01-04 10:00:00.000000 UTC' ;; *reload*) ${reloads ? take : ":"}; echo reload >> ${folder}/log ;; esac`,
  );
  const script = fenceExportScript({ client, server, folder }).replaceAll("/etc/ganesha/ganesha.conf", file);
  writeFileSync(join(folder, "script"), script);
  const nfs = join(import.meta.dirname, "nfs-server.py");
  const setup = [
    `PATH=${folder}:$PATH`,
    "ip link set lo up; ip link add lan0 type bridge; ip addr add 10.9.8.1/24 dev lan0; ip link set lan0 up",
    take,
    serves
      ? `python3 ${nfs} ${folder}/allowed ${serves} > ${folder}/up & until [ "$(wc -l < ${folder}/up)" = 2 ]; do sleep 0.05; done`
      : "",
    `bash ${folder}/script > ${folder}/said 2> ${folder}/err; ip route > ${folder}/routes; ls -A ${folder} > ${folder}/left; kill $(jobs -p) 2>/dev/null; true`,
  ].join("\n");
  const own = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  execFileSync("unshare", [...own, "--net", "bash", "-c", setup], { stdio: "pipe", timeout: 60_000 });
  const read = (name: string) => readFileSync(join(folder, name), "utf8").trim();
  return {
    said: read("said"),
    err: read("err"),
    conf: read("ganesha.conf"),
    routes: read("routes"),
    left: read("left"),
  };
}

describe.skipIf(!hasSandbox("ip", "python3"))("closing the export to a lost host", () => {
  test("is proved by a write that is refused after it, and was not before", () => {
    const {
      said,
      err,
      conf: after,
      routes,
      left,
    } = close({ clients: `10.9.8.3,${client},${other}`, serves: "mount" });
    expect({ said, err }).toEqual({ said: "refused", err: "" });
    expect(after).toBe(conf(`10.9.8.3,${other}`).trim());
    // Nothing of it stays.
    expect(routes).not.toContain("fence0");
    expect(left).not.toContain(".fence-");
  });

  test.each([
    [`${client},${other}`, other],
    [`${other},${client}`, other],
  ])("takes out the one address: of %s", (clients, rest) => {
    expect(close({ clients, serves: "mount" }).conf).toBe(conf(rest).trim());
  });

  test("does not have the server restarted: the file is as old as its start", () => {
    close({ clients: `${client},${other}`, serves: "mount" });
    const { mtimeMs } = statOf("ganesha.conf");
    expect(new Date(mtimeMs).toISOString()).toBe("2026-01-04T10:00:00.000Z");
    expect(readFileSync(join(folder, "log"), "utf8")).toBe("reload\n");
  });

  test("is proved for one that was closed out by an earlier run", () => {
    expect(close({ clients: other, serves: "mount" }).said).toBe("refused");
  });

  test("is not proved where the write goes through all the same", () => {
    const { said } = close({ clients: `${client},${other}`, serves: "mount", reloads: false });
    expect(said).toBe(`a write as ${client} is not refused (written)`);
  });

  test("is not proved where no write could be made before", () => {
    expect(close({ clients: `${client},${other}` }).said).toMatch(
      /^a write as 10\.9\.8\.2 can't be tried \(unclear: .*refused/,
    );
  });
});

const statOf = (name: string) => ({
  mtimeMs: Number(execFileSync("stat", ["-c", "%Y", join(folder, name)])) * 1000,
});

test("the export is not touched on a machine that this testbed has not set up", () => {
  const script = fenceExportScript({ client, server, folder }).replaceAll("/etc/", `${folder}/`);
  const said = execFileSync("bash", ["-c", script], { encoding: "utf8" });
  expect(said.trim()).toBe("there is no NFS server here that this testbed has set up");
});
