import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { bridgeVariables, planBridge } from "../../../../hosts/bridge/bridge-plan.ts";
import { type BridgeFindings, parseFindings } from "../../../../hosts/bridge/findings.ts";

const mac = "52:54:00:12:34:56";
const eth0 = { name: "eth0", mac };

/** What is in /etc for good, by path. */
const kept = (found: BridgeFindings) =>
  Object.fromEntries(planBridge(found).keep.map(({ path, text }) => [path, text]));

describe("systemd-networkd", () => {
  const found: BridgeFindings = {
    manager: "networkd",
    bridge: "br0",
    uplink: eth0,
    files: [
      {
        path: "/etc/systemd/network/20-lan.network",
        text: "# LAN\n[Match]\nName=e*\n\n[Link]\nMTUBytes=9000\nRequiredForOnline=routable\n\n[Network]\nAddress=192.0.2.11/24\nDNS=192.0.2.1\n\n[Route]\nGateway=192.0.2.1\n",
      },
      {
        path: "/etc/systemd/network/20-lan.network.d/more.conf",
        text: "[Network]\nAddress=198.51.100.11/24",
      },
    ],
  };
  const path = "/etc/systemd/network/05-kvm-migration-testbed-br0";

  test("the bridge has the uplink's MAC address, network and drop-ins, and the uplink keeps what is its link's", () => {
    expect(kept(found)).toEqual({
      [`${path}.netdev`]: `# Written by kvm-migration-testbed.
[NetDev]
Name=br0
Kind=bridge
# eth0's own.
MACAddress=52:54:00:12:34:56
[Bridge]
STP=no
ForwardDelaySec=0
`,
      [`${path}-uplink.network`]: `# Written by kvm-migration-testbed.
[Match]
Name=eth0
[Link]
MTUBytes=9000
[Network]
Bridge=br0
LinkLocalAddressing=no
`,
      [`${path}.network`]: `# Written by kvm-migration-testbed, from /etc/systemd/network/20-lan.network, /etc/systemd/network/20-lan.network.d/more.conf.
[Match]
Name=br0
[Link]
RequiredForOnline=routable
[Network]
Address=192.0.2.11/24
DNS=192.0.2.1
[Route]
Gateway=192.0.2.1
[Network]
Address=198.51.100.11/24
`,
    });
  });

  test("a lease by DHCP is asked for with the number that the uplink had", () => {
    const leased = { ...found, uplink: { ...eth0, dhcpClient: "ffcc79229a00020000ab11dc122fc14684d88f" } };
    expect(kept(leased)[`${path}.network`]).toMatch(/\n\[DHCPv4\]\nIAID=3430490778\n$/);
    // A client known by its MAC address is the same on the bridge.
    const byMac = { ...found, uplink: { ...eth0, dhcpClient: "01525400123456" } };
    expect(kept(byMac)).toEqual(kept(found));
  });

  const withLines = (text: string) =>
    kept({
      ...found,
      files: [...found.files, { path: "/etc/systemd/network/20-lan.network.d/z.conf", text }],
    });

  test.each([
    ["RoutingPolicyRule", "OutgoingInterface=eth0", "OutgoingInterface=br0"],
    ["RoutingPolicyRule", "IncomingInterface = eth0", "IncomingInterface = br0"],
    ["IPv6SendRA", "UplinkInterface=eth0", "UplinkInterface=br0"],
    ["RoutingPolicyRule", "OutgoingInterface=eth0.10", "OutgoingInterface=eth0.10"],
    ["RoutingPolicyRule", "OutgoingInterface=eth1", "OutgoingInterface=eth1"],
    ["Network", "BindCarrier=eth0 eth1", "BindCarrier=eth0 eth1"],
    ["Network", "# eth0 is the way out", "# eth0 is the way out"],
  ])(
    "a setting by the uplink's name is about the bridge, where it can only be: [%s] %s",
    (section, line, moved) => {
      expect(withLines(`[${section}]\n${line}\n`)[`${path}.network`]).toMatch(
        new RegExp(`\\[${section}\\]\n${moved}\n$`),
      );
    },
  );

  test("one of which that cannot be told is refused with its file and line", () => {
    expect(() => withLines("[Network]\nIPv6ProxyNDPInterface=eth0\n")).toThrow(
      /z\.conf has the line "IPv6ProxyNDPInterface=eth0".*Make a bridge called br0/,
    );
  });

  test.each(["SR-IOV", "CAKE", "FairQueueingControlledDelay", "HierarchyTokenBucketClass"])(
    "the card's own sections stay with it: %s",
    (section) => {
      const files = withLines(`[${section}]\nVirtualFunction=0\n`);
      expect(files[`${path}-uplink.network`]).toContain(`[${section}]\nVirtualFunction=0\n`);
      expect(files[`${path}.network`]).not.toContain(section);
    },
  );

  test("is tried from /run, where a reboot forgets it", () => {
    const { keep, trial } = planBridge(found);
    expect(trial.map(({ text }) => text)).toEqual(keep.map(({ text }) => text));
    for (const each of trial) expect(each.path).toMatch(/^\/run\/systemd\/network\/05-/);
  });

  test("without an uplink, no file names an interface of the host's", () => {
    const files = kept({ manager: "networkd", bridge: "br0", files: [] });
    expect(Object.keys(files)).toEqual([`${path}.netdev`, `${path}.network`]);
    expect(files[`${path}.netdev`]).not.toContain("MACAddress");
    expect(files[`${path}.network`]).toBe(`# Written by kvm-migration-testbed.
[Match]
Name=br0
[Link]
RequiredForOnline=no
[Network]
LinkLocalAddressing=no
IPv6AcceptRA=no
ConfigureWithoutCarrier=yes
`);
  });
});

describe("what other files say of the uplink", () => {
  const lan = {
    path: "/etc/systemd/network/20-lan.network",
    text: "[Match]\nName=eth0\n[Network]\nDHCP=yes\n",
  };
  const interfaces = { path: "/etc/network/interfaces", text: "auto eth0\niface eth0 inet dhcp\n" };
  const hosts: BridgeFindings[] = [
    { manager: "networkd", bridge: "br0", uplink: eth0, files: [lan] },
    {
      manager: "netplan",
      bridge: "br0",
      uplink: { ...eth0, definition: "lan" },
      files: [],
      ethernets: "lan: {dhcp4: true}",
    },
    { manager: "ifupdown", bridge: "br0", uplink: eth0, files: [interfaces] },
  ];
  const said = (path: string, text: string) =>
    hosts.map((host) => planBridge({ ...host, mentions: [{ path, text }] }).warnings);

  test.each([
    ["/etc/sysctl.d/99-lan.conf", "net.ipv4.conf.eth0.proxy_arp = 1"],
    ["/etc/nftables.conf", '  oifname "eth0" masquerade'],
    ["/etc/iptables/rules.v4", "-A POSTROUTING -o eth0 -j MASQUERADE"],
    ["/etc/systemd/network/wg0.network", "OutgoingInterface=eth0"],
    ["/etc/netplan/60-vlan.yaml", "      link: eth0"],
    ["/etc/netplan/60-vrf.yaml", "      interfaces: [eth0, eth1]"],
    ["/etc/networkd-dispatcher/routable.d/50-wol", '[ "$IFACE" = eth0 ] && ethtool -s eth0 wol g'],
  ])("is told with its line: %s", (path, line) => {
    for (const warnings of said(path, line)) {
      expect(warnings).toEqual([
        `${path} has the line "${line.trim()}", which stays as it is: what comes and goes over eth0 now does so over br0`,
      ]);
    }
  });

  test.each([
    ["/etc/sysctl.d/99-lan.conf", "# net.ipv4.conf.eth0.proxy_arp = 1"],
    ["/etc/sysctl.d/99-lan.conf", "net.ipv4.conf.eth0-old.proxy_arp = 1"],
    ["/etc/nftables.conf", "oifname eth0.10 masquerade"],
    ["/etc/systemd/network/10-lan.link", "Name=eth0"],
    ["/etc/systemd/network/30-all.network", "Name=eth0 eth1"],
    ["/etc/netplan/50-cloud-init.yaml", "        eth0:"],
    ["/etc/netplan/50-cloud-init.yaml", "            set-name: eth0"],
    ["/etc/netplan/50-cloud-init.yaml", "        name: eth0"],
    ["/etc/systemd/network/05-kvm-migration-testbed-br9-uplink.network", "OutgoingInterface=eth0"],
  ])("is no warning where it is right as it is: %s, %s", (path, line) => {
    expect(said(path, line)).toEqual([[], [], []]);
  });

  test("is not told again of the uplink's own files", () => {
    for (const host of hosts) {
      const mentions = host.files.map(({ path }) => ({ path, text: "eth0 x" }));
      expect(planBridge({ ...host, mentions }).warnings).toEqual([]);
    }
  });
});

describe("netplan", () => {
  const path = "/etc/netplan/90-kvm-migration-testbed-br0.yaml";
  const found: BridgeFindings = {
    manager: "netplan",
    bridge: "br0",
    uplink: { ...eth0, definition: "lan" },
    files: [],
    ethernets: `lan:
  match: {macaddress: "${mac}"}
  set-name: eth0
  mtu: 9000
  wakeonlan: true
  addresses: [192.0.2.11/24]
  nameservers: {addresses: [192.0.2.1]}
  routes:
    - {to: default, via: 192.0.2.1}
other:
  dhcp4: true
`,
  };

  test("a second definition of the uplink, before the host's own, has no addresses; the bridge has them", () => {
    expect(kept(found)).toEqual({
      [path]: `# Written by kvm-migration-testbed. eth0 is in br0, which has its addresses from the definition "lan".
network:
  version: 2
  ethernets:
    00-kvm-migration-testbed-br0:
      match:
        name: eth0
      renderer: networkd
      mtu: 9000
      wakeonlan: true
      dhcp4: false
      dhcp6: false
      link-local: []
  bridges:
    br0:
      renderer: networkd
      parameters:
        stp: false
        forward-delay: 0
      interfaces:
        - 00-kvm-migration-testbed-br0
      macaddress: "${mac}"
      addresses:
        - 192.0.2.11/24
      nameservers:
        addresses:
          - 192.0.2.1
      routes:
        - to: default
          via: 192.0.2.1
`,
    });
    // networkd takes the first of the files that netplan makes of both.
    const [port = ""] = Object.keys(parse(kept(found)[path] ?? "").network.ethernets);
    expect([`10-netplan-${port}.network`, "10-netplan-lan.network"].sort()[0]).toContain(port);
  });

  test("DHCP goes to the bridge, with the number that the uplink had in a drop-in of networkd's", () => {
    const files = kept({
      ...found,
      uplink: { ...eth0, definition: "other", dhcpClient: "ff0000000a0002" },
    });
    expect(parse(files[path] ?? "").network.bridges.br0.dhcp4).toBe(true);
    expect(parse(files[path] ?? "").network.ethernets["00-kvm-migration-testbed-br0"].dhcp4).toBe(false);
    expect(files["/etc/systemd/network/10-netplan-br0.network.d/kvm-migration-testbed.conf"]).toBe(
      "# Written by kvm-migration-testbed.\n[DHCPv4]\nIAID=10\n",
    );
  });

  test("a MAC address of digits alone stays text to readers of YAML 1.1, which know numbers to the base of 60", () => {
    const uplink = { ...eth0, mac: "52:54:00:12:34:56", definition: "lan" };
    expect(kept({ ...found, uplink })[path]).toContain('macaddress: "52:54:00:12:34:56"');
  });

  test("without an uplink, nothing but the bridge is defined", () => {
    const text = kept({ manager: "netplan", bridge: "br0", files: [] })[path] ?? "";
    expect(parse(text).network).toEqual({
      version: 2,
      bridges: {
        br0: {
          renderer: "networkd",
          parameters: { stp: false, "forward-delay": 0 },
          dhcp4: false,
          dhcp6: false,
          "link-local": [],
          "accept-ra": false,
          optional: true,
        },
      },
    });
  });

  test("an uplink that is no ethernet of netplan's is refused with what to do", () => {
    expect(() => planBridge({ ...found, uplink: { ...eth0, definition: "bond0" } })).toThrow(
      /netplan says nothing of bond0.*Make a bridge called br0 with eth0 in it yourself/,
    );
  });
});

describe("ifupdown", () => {
  const main = "/etc/network/interfaces";
  const text = `# The loopback network interface
source /etc/network/interfaces.d/*

auto lo
iface lo inet loopback

# The primary network interface
allow-hotplug eth0 eth1
iface eth0 inet static
\taddress 192.0.2.11/24
\tgateway 192.0.2.1
\tup ip route add 203.0.113.0/24 via 192.0.2.2 dev eth0
\tdns-nameservers 192.0.2.1

iface eth0 inet6 auto
# The second
iface eth1 inet dhcp
`;
  const found: BridgeFindings = {
    manager: "ifupdown",
    bridge: "br0",
    uplink: eth0,
    files: [{ path: main, text }],
  };

  test("the uplink's stanzas become the bridge's, and make it; all else stays as it is", () => {
    expect(kept(found)).toEqual({
      [main]: `# The loopback network interface
source /etc/network/interfaces.d/*

auto lo
iface lo inet loopback

# The primary network interface
allow-hotplug eth1
auto br0
iface br0 inet static
    # kvm-migration-testbed: br0 is made here, with eth0 in it, whose addresses it has.
    pre-up ip link show dev br0 > /dev/null 2>&1 || ip link add name br0 address ${mac} type bridge stp_state 0 forward_delay 0
    pre-up ip link set dev eth0 master br0 up
\taddress 192.0.2.11/24
\tgateway 192.0.2.1
\tup ip route add 203.0.113.0/24 via 192.0.2.2 dev br0
\tdns-nameservers 192.0.2.1

iface br0 inet6 auto
    # kvm-migration-testbed: and goes here.
    post-down ip link set dev eth0 nomaster || true
    post-down ip link delete dev br0 || true
# The second
iface eth1 inet dhcp
`,
    });
  });

  /** What becomes of a line in the uplink's stanza. */
  const lineOf = (line: string) =>
    kept({ ...found, files: [{ path: main, text: `iface eth0 inet static\n  ${line}\n` }] })
      [main]?.split("\n")
      .find((each) => each.startsWith("  ") && !each.startsWith("    "))
      ?.trim();

  test.each([
    ["post-up ethtool -K $IFACE tso off", "post-up ethtool -K eth0 tso off"],
    ["up /sbin/ethtool -s ${IFACE} wol g || true", "up /sbin/ethtool -s eth0 wol g || true"],
    ["up ip link set dev eth0 txqueuelen 5000", "up ip link set dev eth0 txqueuelen 5000"],
    ["up ip link set $IFACE promisc on", "up ip link set eth0 promisc on"],
    ["up tc qdisc add dev eth0 root fq", "up tc qdisc add dev eth0 root fq"],
    ["up route add default gw 198.51.100.1 eth0", "up route add default gw 198.51.100.1 br0"],
    [
      "up ip route add 203.0.113.0/24 dev eth0 && ip -6 addr add fd00::1/64 dev eth0",
      "up ip route add 203.0.113.0/24 dev br0 && ip -6 addr add fd00::1/64 dev br0",
    ],
    ["up ip route add 203.0.113.0/24 dev $IFACE", "up ip route add 203.0.113.0/24 dev $IFACE"],
    ["up sysctl -w net.ipv6.conf.eth0.accept_ra=0", "up sysctl -w net.ipv6.conf.br0.accept_ra=0"],
    [
      "up echo 1 > /proc/sys/net/ipv4/conf/eth0/proxy_arp",
      "up echo 1 > /proc/sys/net/ipv4/conf/br0/proxy_arp",
    ],
    [
      "post-up iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE",
      "post-up iptables -t nat -A POSTROUTING -o br0 -j MASQUERADE",
    ],
    ["up ip route add 203.0.113.0/24 dev eth0.10", "up ip route add 203.0.113.0/24 dev eth0.10"],
    ["up ip route add 203.0.113.0/24 dev veth0", "up ip route add 203.0.113.0/24 dev veth0"],
    [
      "up ethtool -G eth0 rx 4096; ip rule add iif eth0 table 5",
      "up ethtool -G eth0 rx 4096; ip rule add iif br0 table 5",
    ],
  ])("a command is about the card or the bridge: %s", (line, moved) => {
    expect(lineOf(line)).toBe(moved);
  });

  test.each([
    "up /usr/local/bin/tune $IFACE",
    "up my-script eth0",
    "up ifconfig eth0:1 192.0.2.9",
    "post-up (sleep 5; ping -I eth0 192.0.2.1) &",
    "up ethtool -K eth0 tso off; tune ${LOGICAL}",
  ])("one of which that cannot be told is refused with its line: %s", (line) => {
    expect(() => lineOf(line)).toThrow(line);
  });

  test("the uplink's mention elsewhere is told of, and stays", () => {
    const nat = "post-up iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE";
    const more = `${text}\nauto vmbr1\niface vmbr1 inet static\n  # eth0 is the way out\n  ${nat}\n`;
    const { keep, warnings } = planBridge({ ...found, files: [{ path: main, text: more }] });
    expect(warnings).toEqual([
      expect.stringMatching(/interfaces has the line "post-up iptables .*-o eth0.* now does so over br0/),
    ]);
    expect(keep[0]?.text).toContain(nat);
    expect(planBridge(found).warnings).toEqual([]);
  });

  test("only the file with the uplink's stanza changes; it is tried from one that sources nothing", () => {
    const own = {
      path: "/etc/network/interfaces.d/lan",
      text: "auto eth0\niface eth0 inet dhcp\n  mtu 9000",
    };
    const rest = {
      path: main,
      text: "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n",
    };
    const { keep, trial } = planBridge({ ...found, files: [rest, own] });
    expect(keep.map(({ path }) => path)).toEqual([own.path]);
    expect(keep[0]?.text).toMatch(/^auto br0\niface br0 inet dhcp\n/);
    expect(keep[0]?.text).toContain("  mtu 9000\n    pre-up ip link set dev eth0 mtu 9000\n");
    expect(trial).toEqual([
      {
        path: "/run/kvm-migration-testbed-bridge-br0.interfaces",
        text: `\nauto lo\niface lo inet loopback\n\n${keep[0]?.text}`,
      },
    ]);
  });

  test("an interface whose name begins with the uplink's is another one", () => {
    const like =
      "auto eth0 eth01\niface eth01 inet dhcp\n\tup ip route add default dev eth01\niface eth0 inet dhcp\n\tup echo dev eth0.5\n";
    const changed = kept({ ...found, files: [{ path: main, text: like }] })[main];
    expect(changed).toContain(
      "auto eth01\nauto br0\niface eth01 inet dhcp\n\tup ip route add default dev eth01\n",
    );
    expect(changed).toContain("echo dev eth0.5");
  });

  test.each([
    [
      "labels",
      "iface eth0 inet dhcp\niface eth0:1 inet static\n",
      "more addresses by labels (iface eth0:1 inet static)",
    ],
    ["bonds", "iface eth0 inet dhcp\n  bond-slaves eth1 eth2\n", "sets bond-slaves for eth0"],
  ])("%s cannot be moved, which is said", (_what, stanzas, words) => {
    expect(() => planBridge({ ...found, files: [{ path: main, text: stanzas }] })).toThrow(words);
  });

  test("a file that is made anew at every boot is not changed", () => {
    const files = [{ path: "/run/network/interfaces.d/eth0", text: "iface eth0 inet dhcp\n" }];
    expect(() => planBridge({ ...found, files })).toThrow("made anew at every boot");
  });

  test("without an uplink, the bridge has a file of its own where the host's configuration takes one", () => {
    const alone: BridgeFindings = { manager: "ifupdown", bridge: "br0.7", files: found.files };
    expect(Object.keys(kept(alone))).toEqual(["/etc/network/interfaces.d/kvm-migration-testbed-br0-7"]);
    const single = { ...alone, files: [{ path: main, text: "auto lo\n" }] };
    expect(kept(single)[main]).toMatch(
      /^auto lo\n\n# kvm-migration-testbed: [^\n]+\nauto br0.7\niface br0.7 inet manual\n/,
    );
  });
});

test("what a host tells comes back as it was, whatever characters it holds", () => {
  const base64 = (value: string) => Buffer.from(value).toString("base64");
  const text = "line 'one'\n\n$HOME `id` ü\n";
  const lines = [
    `manager ${base64("ifupdown")}`,
    `file /etc/network/interfaces.d/my lan ${base64(text)}`,
    `bridge ${base64("br0")}`,
    `uplink ${base64("eth0")}`,
    `mac ${base64(mac)}`,
    "dhcp-client ",
  ].join("\n");
  expect(parseFindings(lines)).toEqual({
    manager: "ifupdown",
    bridge: "br0",
    uplink: eth0,
    files: [{ path: "/etc/network/interfaces.d/my lan", text }],
  });
  expect(() => parseFindings("motd")).toThrow("not what bridge-find.sh prints");
});

test("the shell on the host gets the files as they are", () => {
  const files = [{ path: "/etc/network/interfaces", text: "# it's $HOME\niface eth0 inet dhcp\n" }];
  const found: BridgeFindings = { manager: "ifupdown", bridge: "br0", uplink: eth0, files };
  const { stdout } = spawnSync(
    "bash",
    ["-c", `${bridgeVariables(found)} printf '%s|' "$MANAGER" "$JOINS" "\${KEEP[@]}"`],
    {
      encoding: "utf8",
    },
  );
  const [keep] = planBridge(found).keep;
  expect(stdout).toBe(`ifupdown|eth0|${keep?.path}|${keep?.text}|`);
});

test("as a program, it says what is wrong with which host, and nothing else", () => {
  const program = join(import.meta.dirname, "../../../../hosts/bridge-cli.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], {
    input: "motd",
    env: { ...process.env, HOST_NAME: "host1" },
    encoding: "utf8",
  });
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: "",
    stderr: "host1: Reading a host's network configuration: this is not what bridge-find.sh prints: motd\n",
  });
});
