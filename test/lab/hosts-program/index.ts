import { Bridge } from "../../../components/bridge.ts";
import { HostTrust } from "../../../components/host-trust.ts";
import { KvmHost } from "../../../components/kvm-host.ts";
import { LabHost } from "../../../components/lab-host.ts";
import { LoadSampler } from "../../../components/load-sampler.ts";
import { NfsPool } from "../../../components/nfs-pool.ts";
import { SshKey } from "../../../components/ssh-key.ts";

// What test/lab/hosts.test.ts brings up: a lab without guests, in a network of its own, so that it can stand beside another lab.
const lab = "hosts-test";
const network = { network: "10.77.9.0/24", prefixLength: 24, gateway: "10.77.9.1", bridge: "lab-hosts-test" };
const knownHostsFile = `.testbed/${lab}/known_hosts`;
const key = new SshKey("key", { path: `.testbed/${lab}/id_ed25519` });
const trustKey = new SshKey("trust-key", { path: `.testbed/${lab}/id_trust` });

const storage = new LabHost("storage", {
  lab,
  network,
  key,
  knownHostsFile,
  address: "10.77.9.10",
  export: "/export/testbed",
});
const hosts = ["host1", "host2"].map((name, i) => {
  const container = new LabHost(name, {
    lab,
    network,
    key,
    knownHostsFile,
    address: `10.77.9.1${i + 1}`,
    after: storage,
  });
  return new KvmHost(name, { ...container.access, accelerator: "tcg" });
});
const trust = new HostTrust("trust", { hosts, key: trustKey });
new LoadSampler("load", { hosts });
const bridge = new Bridge("br0", { hosts });
const pool = new NfsPool("pool", { storage: storage.access, hosts });
const base = pool.base("pool-base", { path: process.env.HOSTS_TEST_IMAGE as string });

export const facts = hosts.map((host) => host.facts);
export const trusted = trust.ready;
export const guestNetwork = bridge.network;
export const transport = pool.transport;
export const baseVolume = base.id;
