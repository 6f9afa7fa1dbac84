// The folder that is exported is not one that the storage host itself lives in.
import { defaultExport } from "../defaults.ts";
import { type Mistake, mistake } from "../mistake.ts";
import type { Draft } from "./draft.ts";

const systemFolders = [
  "bin",
  "boot",
  "dev",
  "etc",
  "lib",
  "lib64",
  "proc",
  "root",
  "run",
  "sbin",
  "sys",
  "tmp",
  "usr",
];

export function exportFolder({ storage }: Draft): Mistake[] {
  const [, top = "", ...rest] = (storage?.export ?? defaultExport).split("/");
  const isSystem = systemFolders.includes(top) || (rest.length === 0 && ["home", "var"].includes(top));
  if (!isSystem) return [];
  const problem = `${storage?.export} belongs to the storage host's own system`;
  return [
    mistake(["storage", "export"], problem, `give a folder for guests' disks, such as ${defaultExport}`),
  ];
}
