import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseDomain } from "../../../libvirt/domain-facts.ts";
import { bridgeCheck } from "../../../migration/preflight/checks/bridge.ts";
import { deviceCheck } from "../../../migration/preflight/checks/host-devices.ts";

// What of a guest's definition keeps it on its host.

const recorded = (libvirt: string) =>
  readFileSync(join(import.meta.dirname, `../helpers/definitions/libvirt-${libvirt}.xml`), "utf8");
const plainGuest = recorded("9.0");
const withDevice = (device: string) => parseDomain(plainGuest.replace("</devices>", `${device}</devices>`));
const partsWith = (device: string) =>
  (withDevice(device).devices ?? []).map(({ kind, what }) => `${kind} ${what}`);
const partsWithElement = (element: string) =>
  (parseDomain(plainGuest.replace("</domain>", `${element}</domain>`)).devices ?? []).map(
    ({ kind, what }) => `${kind} ${what}`,
  );

test.each(["9.0", "11.3"])(
  "a guest as this program makes it, as libvirt %s prints it, has none",
  (libvirt) => {
    expect(parseDomain(recorded(libvirt)).devices).toBeUndefined();
  },
);

test.each([
  ["hostdev pci", `<hostdev mode='subsystem' type='pci'><source><address bus='3'/></source></hostdev>`],
  [
    "redirdev tcp h:4000",
    `<redirdev bus='usb' type='tcp'><source mode='connect' host='h' service='4000'/></redirdev>`,
  ],
  ["memory /srv/nv.img", `<memory model='nvdimm'><source><path>/srv/nv.img</path></source></memory>`],
  ["memory sgx-epc", `<memory model='sgx-epc'><target><size>1</size></target></memory>`],
  ["serial /dev/ttyS0", `<serial type='dev'><source path='/dev/ttyS0'/></serial>`],
  ["parallel /var/log/x", `<parallel type='file'><source path='/var/log/x'/></parallel>`],
  ["console /srv/x.sock", `<console type='unix'><source mode='bind' path='/srv/x.sock'/></console>`],
  [
    "channel udp 10.0.0.1:1",
    `<channel type='udp'><source mode='connect' host='10.0.0.1' service='1'/></channel>`,
  ],
  ["serial /srv/console.log", `<serial type='pty'><log file='/srv/console.log'/></serial>`],
  ["input /dev/input/event0", `<input type='evdev'><source dev='/dev/input/event0'/></input>`],
  ["smartcard host", `<smartcard mode='host'/>`],
  [
    "rng udp 1.2.3.4:1",
    `<rng><backend model='egd' type='udp'><source mode='connect' host='1.2.3.4' service='1'/></backend></rng>`,
  ],
  ["rng /dev/hwrng", `<rng model='virtio'><backend model='random'>/dev/hwrng</backend></rng>`],
  ["vsock CID 5", `<vsock model='virtio'><cid auto='no' address='5'/></vsock>`],
  ["lease /p", `<lease><lockspace>l</lockspace><key>k</key><target path='/p'/></lease>`],
  ["audio pulseaudio", `<audio id='2' type='pulseaudio'/>`],
  ["graphics spice with the host's GPU", `<graphics type='spice'><gl enable='yes'/></graphics>`],
  [
    "graphics vnc on 10.0.0.7",
    `<graphics type='vnc' listen='10.0.0.7'><listen type='address' address='10.0.0.7'/></graphics>`,
  ],
  ["video with the host's GPU", `<video><model type='virtio'><acceleration accel3d='yes'/></model></video>`],
  [
    "interface /etc/qemu-ifup",
    `<interface type='bridge'><source bridge='br0'/><script path='/etc/qemu-ifup'/></interface>`,
  ],
  [
    "interface with filter mine",
    `<interface type='bridge'><source bridge='br0'/><filterref filter='mine'/></interface>`,
  ],
  ["disk vdx, whose writes are thrown away", `<disk type='file'><target dev='vdx'/><transient/></disk>`],
  // Kinds that are not there yet.
  ["gadget /dev/gadget0", `<gadget><path>/dev/gadget0</path></gadget>`],
  ["gadget scsi0 3", `<gadget><source adapter='scsi0'><unit id='3'/></source></gadget>`],
])("%s belongs to its host", (what, device) => {
  expect(partsWith(device)).toEqual([what]);
  expect(deviceCheck("host1", withDevice(device), true)).toMatchObject({
    verdict: "fail",
    detail: expect.stringContaining("belongs to host1 or is not known to be elsewhere"),
  });
  expect(deviceCheck("host1", withDevice(device), false).verdict).toBe("warn");
});

test.each([
  ["a sound card", `<sound model='ich9'/>`],
  ["a screen", `<video><model type='qxl' ram='65536'/></video>`],
  [
    "SPICE",
    `<graphics type='spice' autoport='yes'><listen type='address'/><image compression='off'/></graphics>`,
  ],
  [
    "a display on a socket of libvirt's",
    `<graphics type='vnc' socket='/var/lib/libvirt/qemu/domain-1-vm1/vnc.sock'/>`,
  ],
  ["SPICE's agent", `<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>`],
  [
    "the guest's agent while it runs",
    `<channel type='unix'><source mode='bind' path='/run/libvirt/qemu/channel/1-vm1/org.qemu.guest_agent.0'/></channel>`,
  ],
  ["a console while it runs", `<console type='pty' tty='/dev/pts/3'><source path='/dev/pts/3'/></console>`],
  ["USB over SPICE", `<redirdev bus='usb' type='spicevmc'/>`],
  ["a watchdog", `<watchdog model='i6300esb' action='reset'/>`],
  ["a CID that is free", `<vsock model='virtio'><cid auto='yes' address='3'/></vsock>`],
  ["a panic device", `<panic model='pvpanic'/>`],
  ["a crypto device", `<crypto model='virtio' type='qemu'><backend model='builtin' queues='1'/></crypto>`],
  ["memory that can be added to", `<memory model='dimm'><source><nodemask>1-3</nodemask></source></memory>`],
  [
    "a filter that libvirt brings along",
    `<interface type='bridge'><filterref filter='clean-traffic'/></interface>`,
  ],
])("%s goes along", (_what, device) => {
  expect(partsWith(device)).toEqual([]);
});

test.each([
  ["sysinfo /srv/x", `<sysinfo type='fwcfg'><entry name='opt/a' file='/srv/x'/></sysinfo>`],
  ["launchSecurity sev", `<launchSecurity type='sev'/>`],
  ["qemu:commandline -snapshot", `<qemu:commandline><qemu:arg value='-snapshot'/></qemu:commandline>`],
  [
    "qemu:commandline vfio-pci,host=03:00.0",
    `<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='vfio-pci,host=03:00.0'/></qemu:commandline>`,
  ],
])("outside of the devices: %s", (what, element) => {
  expect(partsWithElement(element)).toEqual([what]);
});

test.each([
  `<metadata><app:x xmlns:app='u'>/srv/x</app:x></metadata>`,
  `<qemu:commandline><qemu:arg value='-global'/><qemu:arg value='a.b=1'/></qemu:commandline>`,
  `<description>/srv/x</description>`,
])("what says nothing of a host goes along: %s", (element) => {
  expect(partsWithElement(element)).toEqual([]);
});

test("a kernel that libvirt loads is one of the files that the destination must have", () => {
  const os = "</loader><kernel>/root/vmlinuz</kernel><initrd>/root/initrd</initrd>";
  expect(parseDomain(plainGuest.replace("</loader>", os)).firmware).toEqual([
    "/usr/share/OVMF/OVMF_CODE_4M.fd",
    "/root/vmlinuz",
    "/root/initrd",
  ]);
});

describe("a network card", () => {
  const check = (card: string, there = {}) =>
    bridgeCheck(
      ["host1", { br0: 1500, br1: 1500 }],
      ["host2", { br0: 1500, br1: 1500 }],
      withDevice(card),
      there,
    );
  const direct = `<interface type='direct'><mac address='52:54:00:aa:bb:cc'/><source dev='eno1' mode='bridge'/></interface>`;
  const network = `<interface type='network'><source network='default' bridge='virbr0'/></interface>`;

  test("on a link or a network that is not there", () => {
    expect(check(direct)).toMatchObject({
      verdict: "fail",
      detail: expect.stringMatching(
        /card 52:54:00:aa:bb:cc is .*on eno1, and host2 has no network device of that name/,
      ),
    });
    expect(check(network, { networks: ["other"] }).detail).toMatch(/on default, .*virsh net-start default/);
  });

  test("on one that is there by name", () => {
    expect(check(direct, { links: ["lo", "eno1"] }).verdict).toBe("warn");
    expect(check(network, { networks: ["default"] }).verdict).toBe("warn");
  });

  test.each([
    ["ethernet", `<interface type='ethernet'><target dev='tap0' managed='no'/></interface>`],
    [
      "vhostuser unix /s.sock",
      `<interface type='vhostuser'><source type='unix' path='/s.sock'/></interface>`,
    ],
    ["hostdev", `<interface type='hostdev'><source><address type='pci' bus='3'/></source></interface>`],
    ["vdpa /dev/vhost-vdpa-0", `<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>`],
    ["udp 1.2.3.4 5", `<interface type='udp'><source address='1.2.3.4' port='5'/></interface>`],
    ["user eth0", `<interface type='user'><backend type='passt'/><source dev='eth0'/></interface>`],
    ["of-tomorrow", `<interface type='of-tomorrow'/>`],
  ])("on something else: %s", (what, card) => {
    expect(check(card)).toMatchObject({
      verdict: "fail",
      detail: expect.stringContaining(`not on a bridge, but on ${what}, which is host1's own`),
    });
  });

  test.each([`<interface type='user'/>`, `<interface type='null'/>`])(
    "on nothing of the host's: %s",
    (card) => {
      expect(check(card).verdict).toBe("pass");
    },
  );
});
