import { type Check, failed, passed } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/** @param error what SSH or libvirt said; absent: it works */
function hostToHostCheck(source: string, destination: string, error?: string): Check {
  return error === undefined
    ? passed("host to host", `${source} reaches libvirt on ${destination} over SSH`)
    : failed(
        "host to host",
        `${source} does not reach libvirt on ${destination} over SSH: ${error.replace(/\.+$/, "")}. ` +
          "Is sshd running there, and does a firewall let it in? `pulumi up --refresh` fixes keys and firewall rules",
      );
}

export const hostToHost: PreflightCheck = {
  judge: ({ source, destination, hostToHostError }) =>
    hostToHostCheck(source.name, destination.name, hostToHostError),
};
