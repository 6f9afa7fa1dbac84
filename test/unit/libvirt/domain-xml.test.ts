import fc from "fast-check";
import { expect, test } from "vitest";
import { create } from "xmlbuilder2";
import { type DomainSpec, domainXml } from "../../../libvirt/domain-xml.ts";

const emulated: DomainSpec = {
  name: "vm1",
  uuid: "1b7159b2-c702-5eb0-be68-43576be5849d",
  memoryMiB: 768,
  vcpus: 2,
  accelerator: "tcg",
  machine: "pc-q35-7.2",
  storage: {
    transport: "userspace",
    server: "10.77.0.10",
    overlayPath: "/export/testbed/vm1.qcow2",
    basePath: "/export/testbed/debian-12.qcow2",
    baseFormat: "qcow2",
    seedPath: "/export/testbed/vm1-seed.iso",
  },
  mac: "52:54:00:10:55:ef",
  bridge: "br0",
  vnc: { port: 5901, listen: "0.0.0.0" },
};

const { vnc: _vnc, ...withoutDisplay } = emulated;
const { seedPath: _seed, ...withoutSeed } = emulated.storage;
const accelerated: DomainSpec = {
  ...withoutDisplay,
  accelerator: "kvm",
  cpuXml: "<cpu mode='custom' match='exact'><model fallback='forbid'>Skylake-Client</model></cpu>",
  storage: { ...withoutSeed, transport: "kernel" },
};

/** What the document says. */
// biome-ignore lint/suspicious/noExplicitAny: a document's shape
const parsed = (xml: string): any => create(xml).end({ format: "object" });

const entities: Record<string, string> = {
  "&lt;": "<",
  "&gt;": ">",
  "&amp;": "&",
  "&quot;": '"',
  "&apos;": "'",
};

/** What an XML parser reads where the pattern finds markup. Not xmlbuilder2's: it would forgive its own writer. */
function decoded(xml: string, pattern: RegExp): string {
  const markup = pattern.exec(xml)?.[1] ?? "";
  expect(markup).not.toMatch(/[<>]|&(?!(lt|gt|amp|quot|apos);)/);
  return markup.replaceAll(/&\w+;/g, (entity) => entities[entity] as string);
}

test("a CPU model by name, of which every host's libvirt must have all", () => {
  const { cpu } = parsed(domainXml({ ...emulated, cpu: "Westmere" })).domain;
  expect(cpu).toEqual({
    "@mode": "custom",
    "@match": "exact",
    "@check": "partial",
    model: { "@fallback": "forbid", "#": "Westmere" },
  });
});

test("disks beside the system's stand alone, behind the seed, each with its name as serial number", () => {
  const disks = [
    { name: "data", path: "/export/testbed/vm1.data.qcow2" },
    { name: "logs", path: "/export/testbed/vm1.logs.qcow2" },
  ];
  for (const spec of [emulated, accelerated]) {
    const { disk } = parsed(domainXml({ ...spec, disks })).domain.devices;
    const [data, logs] = disk.slice(-2);
    expect(data).toMatchObject({
      "@type": spec.storage.transport === "kernel" ? "file" : "network",
      serial: "data",
      target: { "@dev": "vdc", "@bus": "virtio" },
      driver: { "@type": "qcow2", "@cache": "none" },
      backingStore: {},
    });
    expect(Object.values(data.source)).toContain("/export/testbed/vm1.data.qcow2");
    expect(logs).toMatchObject({ serial: "logs", target: { "@dev": "vdd" } });
  }
});

test("network cards beside the first, each on its bridge", () => {
  const nics = [{ mac: "52:54:00:00:00:02", bridge: "br1" }];
  const { interface: cards } = parsed(domainXml({ ...emulated, nics })).domain.devices;
  expect(cards).toMatchObject([
    { mac: { "@address": "52:54:00:10:55:ef" }, source: { "@bridge": "br0" } },
    { mac: { "@address": "52:54:00:00:00:02" }, source: { "@bridge": "br1" } },
  ]);
});

test("UEFI, whose variables are where the base image is and opened as it is", () => {
  const firmware = {
    loader: "/fw/CODE.fd",
    template: "/fw/VARS.fd",
    nvramPath: "/export/testbed/vm1-uefi.fd",
  };
  const osOf = (spec: DomainSpec) => parsed(domainXml({ ...spec, firmware })).domain.os;
  const loader = { "@readonly": "yes", "@type": "pflash", "#": "/fw/CODE.fd" };
  expect(osOf(accelerated)).toMatchObject({ loader, nvram: firmware.nvramPath });
  expect(osOf(emulated)).toMatchObject({
    loader,
    nvram: {
      "@type": "network",
      source: {
        "@protocol": "nfs",
        "@name": firmware.nvramPath,
        host: { "@name": "10.77.0.10" },
        identity: { "@user": "root", "@group": "root" },
      },
    },
  });
});

test("an emulated guest whose disks QEMU reads over NFS by itself", () => {
  expect(domainXml(emulated, "secret")).toBe(`<domain type="qemu">
  <name>vm1</name>
  <uuid>1b7159b2-c702-5eb0-be68-43576be5849d</uuid>
  <memory unit="MiB">768</memory>
  <vcpu>2</vcpu>
  <os>
    <type arch="x86_64" machine="pc-q35-7.2">hvm</type>
  </os>
  <features>
    <acpi/>
    <apic/>
  </features>
  <clock offset="utc"/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type="network" device="disk">
      <driver name="qemu" type="qcow2" cache="none" discard="unmap"/>
      <source protocol="nfs" name="/export/testbed/vm1.qcow2">
        <host name="10.77.0.10"/>
        <identity user="root" group="root"/>
      </source>
      <backingStore type="network">
        <format type="qcow2"/>
        <source protocol="nfs" name="/export/testbed/debian-12.qcow2">
          <host name="10.77.0.10"/>
          <identity user="root" group="root"/>
        </source>
        <backingStore/>
      </backingStore>
      <target dev="vda" bus="virtio"/>
    </disk>
    <disk type="network" device="disk">
      <driver name="qemu" type="raw" cache="none"/>
      <source protocol="nfs" name="/export/testbed/vm1-seed.iso">
        <host name="10.77.0.10"/>
        <identity user="root" group="root"/>
      </source>
      <target dev="vdb" bus="virtio"/>
      <readonly/>
    </disk>
    <interface type="bridge">
      <mac address="52:54:00:10:55:ef"/>
      <source bridge="br0"/>
      <model type="virtio"/>
    </interface>
    <serial type="pty">
      <log file="/var/log/libvirt/qemu/vm1-console.log" append="on"/>
      <target port="0"/>
    </serial>
    <console type="pty">
      <target type="serial" port="0"/>
    </console>
    <channel type="unix">
      <target type="virtio" name="org.qemu.guest_agent.0"/>
    </channel>
    <input type="tablet" bus="virtio"/>
    <graphics type="vnc" port="5901" autoport="no" listen="0.0.0.0" passwd="secret"/>
    <video>
      <model type="vga"/>
    </video>
    <memballoon model="virtio"/>
    <rng model="virtio">
      <backend model="random">/dev/urandom</backend>
    </rng>
  </devices>
</domain>`);
});

test("a guest under KVM whose disks the hosts mount, without display and seed", () => {
  expect(domainXml(accelerated)).toBe(`<domain type="kvm">
  <name>vm1</name>
  <uuid>1b7159b2-c702-5eb0-be68-43576be5849d</uuid>
  <memory unit="MiB">768</memory>
  <vcpu>2</vcpu>
  <os>
    <type arch="x86_64" machine="pc-q35-7.2">hvm</type>
  </os>
  <features>
    <acpi/>
    <apic/>
  </features>
  <cpu mode="custom" match="exact">
    <model fallback="forbid">Skylake-Client</model>
  </cpu>
  <clock offset="utc"/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type="file" device="disk">
      <driver name="qemu" type="qcow2" cache="none" discard="unmap"/>
      <source file="/export/testbed/vm1.qcow2"/>
      <backingStore type="file">
        <format type="qcow2"/>
        <source file="/export/testbed/debian-12.qcow2"/>
        <backingStore/>
      </backingStore>
      <target dev="vda" bus="virtio"/>
    </disk>
    <interface type="bridge">
      <mac address="52:54:00:10:55:ef"/>
      <source bridge="br0"/>
      <model type="virtio"/>
    </interface>
    <serial type="pty">
      <log file="/var/log/libvirt/qemu/vm1-console.log" append="on"/>
      <target port="0"/>
    </serial>
    <console type="pty">
      <target type="serial" port="0"/>
    </console>
    <channel type="unix">
      <target type="virtio" name="org.qemu.guest_agent.0"/>
    </channel>
    <input type="tablet" bus="virtio"/>
    <memballoon model="virtio"/>
    <rng model="virtio">
      <backend model="random">/dev/urandom</backend>
    </rng>
  </devices>
</domain>`);
});

test("a CPU with many features is taken over whole, with its own order and attributes", () => {
  const cpuXml = `<cpu mode='custom' match='exact'>
  <model fallback='forbid'>EPYC-Rome</model>
  <vendor>AMD</vendor>
  <feature policy='require' name='x2apic'/>
  <feature policy='disable' name='svm'/>
</cpu>`;
  const domain = parsed(domainXml({ ...accelerated, cpuXml })).domain;
  expect(domain.cpu).toEqual(parsed(cpuXml).cpu);
});

test("a display without a password has no passwd attribute", () => {
  expect(domainXml(emulated)).not.toContain("passwd");
});

test("a password without a display is written nowhere", () => {
  expect(domainXml(accelerated, "secret")).not.toContain("secret");
});

test("the NFS server is named only where QEMU connects to it", () => {
  expect(domainXml(accelerated)).not.toContain("10.77.0.10");
});

test("a raw base image is said to be raw, under a qcow2 overlay", () => {
  const storage = { ...accelerated.storage, baseFormat: "raw" } as const;
  const [disk] = [parsed(domainXml({ ...accelerated, storage })).domain.devices.disk].flat();
  expect(disk.driver["@type"]).toBe("qcow2");
  expect(disk.backingStore.format["@type"]).toBe("raw");
});

// What XML 1.0 can hold at all (an attribute's tabs and line ends would be read back as blanks), with much that could be markup.
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom("&", ";", "<", ">", '"', "'", "&lt;", "&a;", "&#65;", "&amp;", "]]>", "<!--"),
      fc.string({ minLength: 1, unit: "binary" }),
    ),
  )
  .map((parts) => parts.join(""))
  .filter((value) => /^[\u0020-\ud7ff]+$/.test(value) && value.trim() === value);

test("whatever a name, a path or a password holds is read back as it is", () => {
  fc.assert(
    fc.property(text, text, text, (name, path, password) => {
      const spec = { ...emulated, name, storage: { ...emulated.storage, overlayPath: path } };
      const xml = domainXml(spec, password);
      expect(decoded(xml, /<name>([^<]*)</)).toBe(name);
      expect(decoded(xml, /<source protocol="nfs" name="([^"]*)">/)).toBe(path);
      expect(decoded(xml, / passwd="([^"]*)"/)).toBe(password);
      expect(decoded(xml, /<log file="([^"]*)"/)).toBe(`/var/log/libvirt/qemu/${name}-console.log`);
    }),
  );
});

test.each(["kernel", "userspace"] as const)(
  "an overlay of the host's own is a file there, over the shared base (%s)",
  (transport) => {
    const path = "/var/lib/kvm-migration-testbed/disks/vm1.qcow2";
    const storage = { ...emulated.storage, transport, overlayPath: path, localGiB: 4 };
    const [disk, seed] = parsed(domainXml({ ...emulated, storage })).domain.devices.disk;
    expect([disk["@type"], disk.source]).toEqual(["file", { "@file": path }]);
    const shared = transport === "kernel" ? "file" : "network";
    expect([disk.backingStore["@type"], seed["@type"]]).toEqual([shared, shared]);
  },
);
