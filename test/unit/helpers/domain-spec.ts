import type { DomainSpec } from "../../../libvirt/domain-xml.ts";

/** A guest as a stack declares it, on a shared pool that its hosts mount. */
export const domainSpec: DomainSpec = {
  name: "vm1",
  uuid: "1b7159b2-c702-5eb0-be68-43576be5849d",
  memoryMiB: 512,
  vcpus: 1,
  accelerator: "kvm",
  machine: "pc-q35-7.2",
  storage: {
    transport: "kernel",
    server: "10.77.0.10",
    overlayPath: "/e/vm1.qcow2",
    basePath: "/e/base.qcow2",
    baseFormat: "qcow2",
  },
  mac: "52:54:00:10:55:ef",
  bridge: "br0",
};
