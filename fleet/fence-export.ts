import { readFileSync } from "node:fs";
import { quote } from "../ssh/quote.ts";
import { withSession } from "../ssh/session-pool.ts";
import type { Fleet } from "./fleet.ts";

/** The storage host's export, and a host that may mount it. */
export interface ExportClient {
  /** The address that the host comes from. */
  client: string;
  /** Where hosts reach the NFS server. */
  server: string;
  /** The exported folder. */
  folder: string;
}

const text = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8");
const [program, probe] = [text("./fence-export.sh"), text("./fence-probe.py")];

/** The script that closes an export to a client, and proves it. */
export const fenceExportScript = ({ client, server, folder }: ExportClient): string =>
  [
    ...Object.entries({ CLIENT: client, SERVER: server, EXPORT: folder, PROBE: probe }).map(
      ([name, value]) => `${name}=${quote(value)}`,
    ),
    program,
  ].join("\n");

/**
 * Closes the export to a host, whether it runs or not, and proves that its writes are refused from then on.
 *
 * @returns undefined, or why that is not proved: then the host may still write
 */
export const closeExport = (storage: Fleet["storage"], client: ExportClient): Promise<string | undefined> =>
  withSession(storage.ssh, async (session) => {
    const { exitCode, stdout, stderr } = await session.run(
      `closing the export ${client.folder} to ${client.client}`,
      "bash -s",
      { input: fenceExportScript(client), timeoutMs: 240_000, allowFailure: true },
    );
    const said = stdout.trim().split("\n").at(-1) ?? "";
    if (exitCode === 0 && said === "refused") return undefined;
    return (exitCode === 0 && said) || stderr.trim().slice(-500) || `exit code ${exitCode}`;
  });
