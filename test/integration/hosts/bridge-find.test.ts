import { describe, expect, test } from "vitest";
import { parseFindings } from "../../../hosts/bridge/findings.ts";
import { hasSandbox, runOnSandbox } from "../helpers/host-sandbox.ts";

/** A host with two interfaces, of which programs say who configures them. */
const links = `ip link add eno1 address 52:54:00:00:00:01 type veth peer name eno2 address 52:54:00:00:00:02
ip addr add 192.0.2.11/24 dev eno1; ip link set eno1 up
export SSH_CONNECTION="192.0.2.1 50000 192.0.2.11 22"`;
const nobody = { systemctl: "false", networkctl: "false", nmcli: "false", ifquery: "false", ifup: "" };

const find = (programs: Readonly<Record<string, string>>, { uplink = "", before = "" } = {}) =>
  runOnSandbox(
    "bridge-find",
    { BRIDGE: "br0", UPLINK: uplink },
    { before: `${links}\n${before}`, programs: { ...nobody, ...programs } },
  );

const networkFile = (file: string) => ({ networkctl: `echo "   Network File: ${file}"` });

describe.skipIf(!hasSandbox("ip"))("looking at a host's network", () => {
  test("tells of networkd the uplink's file and drop-ins, and the number of its lease", () => {
    const before = `mkdir -p /run/systemd/network/20-lan.network.d /run/systemd/netif/leases
printf '[Network]\\nDHCP=yes\\n' > /run/systemd/network/20-lan.network
printf '[DHCPv4]\\nUseDNS=no\\n' > /run/systemd/network/20-lan.network.d/x.conf
echo CLIENTID=ff0000000a0002 > /run/systemd/netif/leases/$(cat /sys/class/net/eno1/ifindex)`;
    const { stdout, stderr } = find(networkFile("/run/systemd/network/20-lan.network"), { before });
    expect(stderr).toBe("");
    expect(parseFindings(stdout)).toEqual({
      manager: "networkd",
      bridge: "br0",
      uplink: { name: "eno1", mac: "52:54:00:00:00:01", dhcpClient: "ff0000000a0002" },
      files: [
        { path: "/run/systemd/network/20-lan.network", text: "[Network]\nDHCP=yes\n" },
        { path: "/run/systemd/network/20-lan.network.d/x.conf", text: "[DHCPv4]\nUseDNS=no\n" },
      ],
    });
  });

  test("tells of netplan what it says of ethernets, and which of them is the uplink", () => {
    const programs = {
      ...networkFile("/run/systemd/network/10-netplan-lan.network"),
      netplan: '[ "$*" = "get ethernets" ] && echo "lan: {dhcp4: true}"',
    };
    expect(parseFindings(find(programs).stdout)).toMatchObject({
      manager: "netplan",
      uplink: { name: "eno1", definition: "lan" },
      ethernets: "lan: {dhcp4: true}",
    });
  });

  test("tells of ifupdown all files, also where networkd has one that would match", () => {
    const before = `mkdir -p /etc/network/interfaces.d
printf 'source interfaces.d/*\\nauto lo\\n' > /etc/network/interfaces
printf 'iface eno1 inet dhcp\\n' > /etc/network/interfaces.d/eno1`;
    const programs = {
      ...networkFile("/run/systemd/network/80-any.network"),
      ifquery: '[ "${*: -1}" = eno1 ]',
    };
    const { stdout } = find(programs, { before });
    expect(parseFindings(stdout)).toMatchObject({
      manager: "ifupdown",
      uplink: { name: "eno1" },
      files: [
        { path: "/etc/network/interfaces", text: "source interfaces.d/*\nauto lo\n" },
        { path: "/etc/network/interfaces.d/eno1", text: "iface eno1 inet dhcp\n" },
      ],
    });
  });

  test("tells of other files' lines with the uplink's name, of whatever manager", () => {
    const before = `mkdir -p /run/systemd/network /etc/sysctl.d /etc/netplan
printf '[Network]\\nDHCP=yes\\n' > /run/systemd/network/20-lan.network
printf 'a = 1\\nnet.ipv4.conf.eno1.proxy_arp = 1\\nnet.ipv4.conf.eno12.x = 1\\n' > "/etc/sysctl.d/my lan.conf"
printf 'table ip nat { chain post { oifname "eno1" masquerade; } }' > /etc/nftables.conf`;
    const programs = networkFile("/run/systemd/network/20-lan.network");
    const { mentions = [] } = parseFindings(find(programs, { before }).stdout);
    expect(mentions.toSorted((one, other) => (one.path < other.path ? -1 : 1))).toEqual([
      { path: "/etc/nftables.conf", text: 'table ip nat { chain post { oifname "eno1" masquerade; } }' },
      { path: "/etc/sysctl.d/my lan.conf", text: "net.ipv4.conf.eno1.proxy_arp = 1" },
    ]);
  });

  test("says nothing where the bridge is there", () => {
    const { stdout, status } = find({}, { before: "ip link add br0 type bridge" });
    expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
  });

  test("without an uplink, looks at no interface", () => {
    const { stdout } = find({ systemctl: "[[ $* == *networkd* ]]" }, { uplink: "none" });
    expect(parseFindings(stdout)).toEqual({ manager: "networkd", bridge: "br0", files: [] });
  });

  test.each([
    [
      "does not exist",
      "eno9",
      "",
      /there is no interface eno9: the bridge's uplink must be one of eno1 eno2$/m,
    ],
    ["is a bridge", "br-lan", "ip link add br-lan type bridge", /br-lan is a bridge itself: name it/],
    [
      "is in a bridge",
      "eno1",
      "ip link add br-lan type bridge; ip link set eno1 master br-lan",
      /eno1 is part of br-lan already/,
    ],
    [
      "carries another interface",
      "eno1",
      "ip link add link eno1 name mac7 type macvlan",
      /eno1 carries mac7, which would be cut off/,
    ],
    [
      "is nobody's",
      "eno2",
      "",
      /eno2 is configured by neither .* Make a bridge called br0 with eno2 in it yourself/,
    ],
  ])("refuses an uplink that %s, with what to do", (_what, uplink, before, words) => {
    const { stdout, stderr, status } = find({}, { uplink, before });
    expect(stderr).toMatch(words);
    expect({ stdout, status }).toEqual({ stdout: "", status: 1 });
  });

  test("refuses an uplink of NetworkManager's, and a bridge's name that is something else's", () => {
    expect(find({ nmcli: "echo '100 (connected)'" }).stderr).toMatch(
      /eno1 is configured by NetworkManager, and only/,
    );
    expect(find({}, { before: "ip link add br0 type veth" }).stderr).toMatch(/br0 is not a bridge/);
  });
});
