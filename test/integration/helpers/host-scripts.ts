import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { type HostScript, versionOf } from "../../../hosts/script.ts";

/** Puts the scripts into a folder of this machine as reach.sh does it on a host; returns the folder. */
export function installScripts(folder: string): string {
  const sources = resolve(import.meta.dirname, "../../../hosts/scripts");
  mkdirSync(folder);
  for (const file of readdirSync(sources).filter((name) => name.endsWith(".sh"))) {
    copyFileSync(join(sources, file), join(folder, versionOf(basename(file, ".sh") as HostScript)));
  }
  return folder;
}
