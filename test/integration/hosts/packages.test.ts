import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hasSandbox, runOnSandbox } from "../helpers/host-sandbox.ts";

// What a host with Debian lacks is installed, by the names that its system's file has for it.

const variables = { NEEDS: "pool", CONTAINER_NEEDS: "nfs_userspace", MACHINE_NEEDS: "nfs_kernel" };

function install(lacks: string, isContainer: boolean, apt = "exit 0") {
  return runOnSandbox("packages", variables, {
    programs: {
      "systemd-detect-virt": `exit ${isContainer ? 0 : 1}`,
      "dpkg-query": `case " ${lacks} " in *" \${@: -1} "*) exit 1 ;; *) printf installed ;; esac`,
      "apt-get": `echo "$@" >> /run/asked; ${apt}`,
    },
    after: "cat /run/asked 2>/dev/null || true",
  });
}

test.runIf(hasSandbox())("only what is missing is installed, for a container and for another machine", () => {
  const lacks = "libvirt-clients nfs-ganesha rpcbind nfs-kernel-server";
  const options = "-q -y -o DPkg::Lock::Timeout=300";
  const asked = (packages: string) =>
    `${options} update\n${options} install --no-install-recommends ${packages}\n`;
  expect(install(lacks, true)).toMatchObject({
    stdout: asked("libvirt-clients nfs-ganesha rpcbind"),
    stderr: "installing libvirt-clients nfs-ganesha rpcbind\n",
  });
  expect(install(lacks, false).stdout).toBe(asked("libvirt-clients nfs-kernel-server"));
  expect(install("", true)).toMatchObject({ status: 0, stdout: "", stderr: "" });
});

test.runIf(hasSandbox())("what cannot be installed is named, with the package manager's own words", () => {
  const { status, stderr } = install("python3", true, 'echo "E: Unable to locate package $*"; exit 100');
  expect(status).not.toBe(0);
  expect(stderr).toContain("apt-get could not refresh its lists; trying with those that are there");
  expect(stderr).toMatch(
    /E: Unable to locate package .* python3\n.*: apt-get could not install python3 \(its/,
  );
});

test("every system's file has all names that scripts use", () => {
  const folder = join(import.meta.dirname, "../../../hosts/scripts");
  const scripts = readdirSync(folder).map((file) => ({
    file,
    text: readFileSync(join(folder, file), "utf8"),
  }));
  const isSystem = ({ file }: { file: string }) => file.startsWith("system-");
  const names = (text: string) => [...text.matchAll(/\bsystem_[a-z]\w*(?<!_)/g)].map(([name]) => name);
  const used = scripts.filter((script) => !isSystem(script) && script.file.endsWith(".sh"));
  const wanted = new Set(
    used.flatMap(({ text }) => names(text)).filter((name) => name !== "system_packages"),
  );
  expect(wanted.size).toBeGreaterThan(10);
  for (const { file, text } of scripts.filter(isSystem)) {
    const defined = [...text.matchAll(/^(system_\w+)(?:=|\(\))/gm)].map(([, name]) => name);
    expect(
      [...wanted].filter((name) => !defined.includes(name)),
      file,
    ).toEqual([]);
  }
});
