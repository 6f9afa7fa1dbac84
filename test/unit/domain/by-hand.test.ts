import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { byHand } from "../../../domain/by-hand.ts";
import type { DomainSpec } from "../../../libvirt/domain-xml.ts";
import { domainSpec } from "../helpers/domain-spec.ts";

/** What libvirt made (`virsh dumpxml --inactive`) of the guest below, whose definition this program had written. */
const recorded = (libvirt: string) =>
  readFileSync(join(import.meta.dirname, `../helpers/definitions/libvirt-${libvirt}.xml`), "utf8");

const spec: DomainSpec = {
  ...domainSpec,
  accelerator: "tcg",
  vcpus: 2,
  cpu: "qemu64",
  mac: "52:54:00:00:00:01",
  storage: { ...domainSpec.storage, seedPath: "/e/vm1-seed.iso" },
  disks: [{ name: "data", path: "/e/d.qcow2" }],
  nics: [{ mac: "52:54:00:00:00:02", bridge: "br1" }],
  vnc: { port: 5907, listen: "0.0.0.0" },
  firmware: {
    loader: "/usr/share/OVMF/OVMF_CODE_4M.fd",
    template: "/usr/share/OVMF/OVMF_VARS_4M.fd",
    nvramPath: "/e/vm1_VARS.fd",
  },
};

describe.each(["9.0", "11.3"])("with libvirt %s", (libvirt) => {
  const plain = recorded(libvirt);
  const changed = (from: string | RegExp, to: string) => {
    const xml = plain.replace(from, to);
    if (xml === plain) throw new Error(`the definition has no ${from}`);
    return byHand(spec, xml);
  };

  test("what libvirt adds by itself is nobody's hand", () => {
    expect(byHand(spec, plain)).toEqual({ added: [], changed: [] });
  });

  test("nor is what the program sets again at each start", () => {
    const platform = {
      ...spec,
      machine: "pc-q35-8.2",
      accelerator: "kvm",
      cpuXml: "<cpu mode='custom'/>",
    } as const;
    const server = { ...spec.storage, transport: "userspace", server: "10.0.0.9" } as const;
    expect(byHand({ ...platform, storage: server }, plain)).toEqual({ added: [], changed: [] });
  });

  test.each([
    ["watchdog i6300esb", "</devices>", "<watchdog model='i6300esb' action='reset'/></devices>"],
    [
      "vsock virtio (CID 5)",
      "</devices>",
      "<vsock model='virtio'><cid auto='no' address='5'/></vsock></devices>",
    ],
    [
      "memory nvdimm (/srv/nv.img)",
      "</devices>",
      "<memory model='nvdimm'><source><path>/srv/nv.img</path></source></memory></devices>",
    ],
    [
      "serial dev (/dev/ttyS0)",
      "</devices>",
      "<serial type='dev'><source path='/dev/ttyS0'/></serial></devices>",
    ],
    [
      "disk sda (empty)",
      "</devices>",
      "<disk type='file' device='cdrom'><target dev='sda'/></disk></devices>",
    ],
    ["hostdev pci", "</devices>", "<hostdev type='pci'/></devices>"],
    [
      "filesystem mount (/srv)",
      "</devices>",
      "<filesystem type='mount'><source dir='/srv'/></filesystem></devices>",
    ],
    ["gadget", "</devices>", "<gadget/></devices>"],
    ["input tablet number 2", "</devices>", "<input type='tablet' bus='usb'/></devices>"],
    [
      "network card 52:54:00:aa:bb:cc",
      "</devices>",
      "<interface type='direct'><mac address='52:54:00:AA:BB:CC'/></interface></devices>",
    ],
    ["disk vdc (/e/other)", "/e/d.qcow2", "/e/other"],
    ["disk vdb (empty)", "<source file='/e/vm1-seed.iso'/>", ""],
    [
      "iotune of disk vda",
      "<target dev='vda'",
      "<iotune><read_iops_sec>1</read_iops_sec></iotune><target dev='vda'",
    ],
    ["transient of disk vda", "<target dev='vda'", "<transient/><target dev='vda'"],
    ["shareable of disk vdc", "<target dev='vdc'", "<shareable/><target dev='vdc'"],
    ["io of driver of disk vda (native)", "cache='none' discard", "cache='none' io='native' discard"],
    ["cputune", "</vcpu>", "</vcpu><cputune><vcpupin vcpu='0' cpuset='7'/></cputune>"],
    ["cpuset of vcpu (1-2)", "placement='static'", "placement='static' cpuset='1-2'"],
    ["memoryBacking", "</vcpu>", "</vcpu><memoryBacking><hugepages/></memoryBacking>"],
    ["currentMemory (262144)", "<currentMemory unit='KiB'>524288", "<currentMemory unit='KiB'>262144"],
    ["kernel of os (/root/vmlinuz)", "</os>", "<kernel>/root/vmlinuz</kernel></os>"],
    ["boot of os", "</os>", "<boot dev='network'/></os>"],
    ["hyperv of features", "</features>", "<hyperv><relaxed state='on'/></hyperv></features>"],
    [
      "timer hpet of clock",
      "<clock offset='utc'/>",
      "<clock offset='utc'><timer name='hpet' present='no'/></clock>",
    ],
    ["metadata", "</domain>", "<metadata><app:x xmlns:app='u'/></metadata></domain>"],
    [
      "qemu:commandline",
      "</domain>",
      "<qemu:commandline><qemu:arg value='-snapshot'/></qemu:commandline></domain>",
    ],
  ])("a new definition would lose %s", (what, from, to) => {
    expect(changed(from, to)).toEqual({ added: [what], changed: [] });
  });

  test.each([
    ["bridge of source of network card 52:54:00:00:00:02 br7 instead of br1", "bridge='br1'", "bridge='br7'"],
    [
      "cache of driver of disk vda writeback instead of none",
      "cache='none' discard",
      "cache='writeback' discard",
    ],
    ["no channel org.qemu.guest_agent.0", /<channel.*<\/channel>/s, ""],
    ["no disk vdb", /<disk type='file' device='disk'>\s*<driver name='qemu' type='raw'.*?<\/disk>/s, ""],
    ["on_crash preserve instead of destroy", "<on_crash>destroy", "<on_crash>preserve"],
    ["listen of graphics vnc 127.0.0.1 instead of 0.0.0.0", "listen='0.0.0.0'", "listen='127.0.0.1'"],
    ["CPUs 4 instead of 2", ">2</vcpu>", ">4</vcpu>"],
  ])("a new definition would set back: %s", (what, from, to) => {
    expect(changed(from, to)).toEqual({ added: [], changed: [what] });
  });

  test("a card that was put on something else", () => {
    const { added, changed: otherwise } = changed(
      /<interface type='bridge'>(\s*<mac.*?>\s*)<source bridge='br0'\/>/,
      "<interface type='direct'>$1<source dev='eno1' mode='bridge'/>",
    );
    expect(added).toContain("dev of source of network card 52:54:00:00:00:01 (eno1)");
    expect(otherwise).toContain("type of network card 52:54:00:00:00:01 direct instead of bridge");
  });
});

test("of an imported guest, what another host's libvirt adds to its own definition is nobody's hand", () => {
  for (const [imported, now] of [
    ["9.0", "11.3"],
    ["11.3", "9.0"],
  ] as const) {
    const own = { ...spec, definition: recorded(imported) };
    expect(byHand(own, recorded(now))).toEqual({ added: [], changed: [] });
    const watched = recorded(now).replace("</devices>", "<watchdog model='ib700'/></devices>");
    expect(byHand(own, watched).added).toEqual(["watchdog ib700"]);
    expect(byHand({ ...own, memoryMiB: 1024, vcpus: 3 }, recorded(now)).added).toEqual([]);
  }
});
