import type { parseProbe } from "../../hosts/facts.ts";
import type { Answers } from "./recorder.ts";

/** What probe.sh finds on a host with all that can be wished for. */
export const probed: ReturnType<typeof parseProbe> = {
  accelerator: "kvm",
  kvm: "usable",
  kernelNfs: true,
  nfs: "usable",
  cpuModel: "Skylake-Client",
  hostModel: "<mode name='host-model'/>",
  cpus: 8,
  memoryMiB: 16000,
  qemu: "8.2.2",
  libvirt: "10.0.0",
  kernel: "6.8.0",
  machine: "pc-q35-8.2",
  machines: ["pc-q35-8.2", "pc-q35-8.1"],
  models: ["qemu64", "Skylake-Client"],
  features: ["acpi", "ss"],
  distro: "Ubuntu 24.04 LTS",
  uuid: "00000000-0000-4000-8000-000000000001",
};

/** What commands on hosts print, by the resource's name. */
export const answers: Answers = (_type, name) => {
  if (name.endsWith("-probe"))
    return { stdout: JSON.stringify({ ...probed, uuid: `${probed.uuid} of ${name}` }) };
  if (name.includes("-cpu-")) return { stdout: "<cpu><model>Skylake-Client</model></cpu>" };
  if (name.endsWith("-reach")) return { stdout: "ssh-ed25519 HOSTKEY\n22" };
  // The route to the storage host starts at an address that says which host it is.
  if (name.endsWith("-client")) return { stdout: `from-${name}` };
  if (name.endsWith("-ca") || name.endsWith("-certificate")) {
    const block = (title: string, text: string) =>
      `-----BEGIN ${title}-----\n${text}\n-----END ${title}-----`;
    return { stdout: `${block("PRIVATE KEY", `KEY OF ${name}`)}\n${block("CERTIFICATE", `OF ${name}`)}` };
  }
  if (name.endsWith("-files")) return { stdout: "ssh-ed25519 PUBLIC me\nPRIVATE\nKEY" };
  return { stdout: "" };
};

/** The same, but for hosts of which some kernels can't mount NFS. */
export function withoutKernelNfs(...hosts: string[]): Answers {
  return (type, name, inputs) =>
    hosts.some((host) => name === `${host}-probe`)
      ? {
          stdout: JSON.stringify({
            ...probed,
            uuid: `${probed.uuid} of ${name}`,
            kernelNfs: false,
            nfs: "No such device",
          }),
        }
      : answers(type, name, inputs);
}
