import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";

/** Puts an `ssh` before the real one that gives all commands to this machine's shell: as real as a shell can be without a host. */
export function useLocalSsh(): string {
  const folder = mkdtempSync(join(tmpdir(), "local-ssh-"));
  const path = process.env.PATH;
  beforeAll(() => {
    writeFileSync(join(folder, "ssh"), '#!/bin/bash\nexec bash -c "${@: -1}"\n');
    chmodSync(join(folder, "ssh"), 0o755);
    process.env.PATH = `${folder}:${path}`;
  });
  afterAll(() => {
    process.env.PATH = path;
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
