import { expect, test } from "vitest";
import { specOfDefinition } from "../../../domain/own-definition.ts";
import { parseDomain } from "../../../libvirt/domain-facts.ts";
import { type DomainSpec, domainXml } from "../../../libvirt/domain-xml.ts";

const uuid = "5d3f0c1e-2f77-4c34-9d3c-9f9a3ad6d6a1";
/** As libvirt 9.0 prints a guest that a person has defined. */
const definition = (
  { disk, card }: { disk?: string; card?: string } = {},
  vcpu = "<vcpu placement='static'>2</vcpu>",
) => `<domain type='kvm'>
  <name>old</name>
  <uuid>${uuid}</uuid>
  <metadata>
    <memory>7</memory>
  </metadata>
  <memory unit='KiB'>1048576</memory>
  <currentMemory unit='KiB'>524288</currentMemory>
  ${vcpu}
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
  </os>
  <clock offset='localtime'/>
  <devices>
    ${disk ?? "<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='/srv/old.qcow2'/><target dev='vda' bus='virtio'/></disk>"}
    ${card ?? "<interface type='bridge'><mac address='52:54:00:AA:00:01'/><source bridge='br0'/></interface>"}
    <graphics type='vnc' port='5977' autoport='no' listen='127.0.0.1'>
    </graphics>
    <sound model='ich9'/>
  </devices>
</domain>
`;
const spec = specOfDefinition(definition());

test("a definition is told in a guest's own terms, and kept", () => {
  expect(spec).toEqual({
    name: "old",
    uuid,
    memoryMiB: 1024,
    vcpus: 2,
    accelerator: "kvm",
    machine: "pc-q35-7.2",
    storage: { transport: "kernel", server: "", overlayPath: "/srv/old.qcow2" },
    mac: "52:54:00:aa:00:01",
    bridge: "br0",
    definition: definition(),
  });
  expect(domainXml(spec)).toBe(definition());
});

test("memory, CPUs and the display's password are changed in it, and nothing else", () => {
  const changed: DomainSpec = { ...spec, memoryMiB: 2048, vcpus: 3 };
  const xml = domainXml(changed, "a'<$&b");
  expect(parseDomain(xml)).toEqual({ ...parseDomain(definition()), memoryMiB: 2048, vcpus: 3 });
  expect(xml).toContain("<currentMemory unit='MiB'>2048</currentMemory>");
  expect(xml).toContain("<memory>7</memory>");
  expect(xml).toContain("<graphics type='vnc' passwd='a&apos;&lt;$&amp;b' port='5977'");
  const back = xml
    .replace(" passwd='a&apos;&lt;$&amp;b'", "")
    .replace("<memory unit='MiB'>2048<", "<memory unit='KiB'>1048576<")
    .replace("<currentMemory unit='MiB'>2048<", "<currentMemory unit='KiB'>524288<")
    .replace(">3</vcpu>", ">2</vcpu>");
  expect(back).toBe(definition());
});

test("CPUs of which some were off are all on when their number is said", () => {
  const own = definition({}, "<vcpu placement='static' current='1'>4</vcpu>");
  expect(domainXml({ ...specOfDefinition(own), vcpus: 2 })).toContain("<vcpu placement='static'>2</vcpu>");
});

test.each([
  [
    "a disk of another bus",
    { disk: "<disk type='file' device='disk'><source file='/a'/><target dev='sda' bus='sata'/></disk>" },
    /has sda \(\/a\) as its first disk/,
  ],
  [
    "a block device",
    {
      disk: "<disk type='block' device='disk'><source dev='/dev/x'/><target dev='vda' bus='virtio'/></disk>",
    },
    /has vda \(block device \/dev\/x\) as its first disk/,
  ],
  ["no disk", { disk: " " }, /has nothing as its first disk/],
  [
    "a card on a libvirt network",
    {
      card: "<interface type='network'><mac address='52:54:00:aa:00:01'/><source network='default'/></interface>",
    },
    /on no bridge/,
  ],
  ["no card", { card: " " }, /no network card/],
])("%s is refused", (_, parts, why) => {
  expect(() => specOfDefinition(definition(parts))).toThrow(why);
});

test("what is no definition of libvirt's is not changed silently", () => {
  const own = {
    ...spec,
    definition: definition().replaceAll("  <memory unit", "<memory unit"),
    memoryMiB: 1,
  };
  expect(() => domainXml(own)).toThrow("The definition of guest old is not as libvirt prints it");
});
