import { describe, expect, test } from "vitest";
import { hasSandbox, runOnSandbox, type Sandbox } from "../helpers/host-sandbox.ts";

const variables = {
  OPENS_FOR: "hosts",
  PEERS: "192.0.2.12 198.51.100.12 192.0.2.12",
  TCP_PORTS: "22 49152-49215",
};
const firewall = (sandbox: Sandbox, more = {}, actions?: readonly ("apply" | "remove")[]) =>
  runOnSandbox("firewall", { ...variables, ...more }, sandbox, actions);

const [nftablesOn, nftablesOff] = ["true", "false"].map((active) => ({
  ufw: 'echo "Status: inactive"',
  systemctl: `case $* in *nftables.service*) ${active} ;; *daemon-reload*) ;; *) false ;; esac`,
}));
/** Reads the service's own rules as it does at boot: a file that is not ours, and then what the drop-in says. */
const boot = `systemd_boot() {
  nft flush ruleset; nft -f /run/nftables.conf
  sed -n "s/^ExecStartPost=-[^ ]* '\\(.*\\)'$/\\1/p" /etc/systemd/system/nftables.service.d/*.conf | while read -r line; do nft "$line"; done
}`;
const ruleset = (text: string) => `${boot}
cat > /run/nftables.conf <<'RULES'
${text}
RULES
nft -f /run/nftables.conf`;
const list = "nft list ruleset | sed 's/^\\t*//'";

const closed = ruleset(`table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    iif lo accept
  }
  chain forward { type filter hook forward priority 0; policy drop; }
}`);
const rejecting = ruleset(`table ip own {
  chain services { tcp dport 22 accept; }
  chain in {
    type filter hook input priority 0; policy accept;
    jump services
    counter reject with icmp type admin-prohibited
  }
}`);
const open = ruleset(`table inet filter {
  chain input {
    type filter hook input priority 0; policy accept;
    tcp dport 23 drop
  }
}`);
const accept =
  'ip saddr { 192.0.2.12, 198.51.100.12 } tcp dport { 22, 49152-49215 } accept comment "kvm-migration-testbed hosts"';

describe.skipIf(!hasSandbox("nft", "getent"))("nftables", () => {
  test("a chain that drops by its policy lets the peers in first, also after a reboot", () => {
    for (const after of [list, `systemd_boot; ${list}`]) {
      const { stdout, stderr, status } = firewall({ before: closed, after, programs: nftablesOn });
      expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
      expect(stdout).toContain(`hook input priority filter; policy drop;\n${accept}\niif "lo" accept\n`);
      expect(stdout.match(/testbed/g)).toHaveLength(1);
    }
  });

  test("a chain that ends with a reject lets them in, too, and the chains it jumps to stay as they are", () => {
    const { stdout } = firewall({ before: rejecting, after: list, programs: nftablesOn });
    expect(stdout).toContain(`chain services {\ntcp dport 22 accept\n}`);
    expect(stdout).toContain(`policy accept;\n${accept}\njump services\n`);
  });

  test("other peers take the place of those before", () => {
    const again =
      'sed "s/192.0.2.12/192.0.2.13/g" "$(dirname "$(command -v ufw)")/script-0" | ACTION=apply bash';
    const { stdout } = firewall({
      before: closed,
      after: `${again}; ${list}; cat /etc/systemd/system/*/*`,
      programs: nftablesOn,
    });
    expect(stdout).not.toContain("192.0.2.12");
    // In the ruleset, and when the service starts and reads its rules again.
    expect(stdout.match(/192\.0\.2\.13, 198\.51\.100\.12/g)).toHaveLength(3);
  });

  test("destroying it leaves the ruleset and the service as they were", () => {
    const before = `${closed}; ${list} > /run/was`;
    const after = `${list} | diff /run/was - && find /etc/systemd/system -mindepth 1`;
    const { stdout, status } = firewall({ before, after, programs: nftablesOn }, {}, [
      "apply",
      "apply",
      "remove",
    ]);
    expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
  });

  test("one that lets everything in, or all but something, is left alone", () => {
    const after = `${list}; find /etc/systemd/system -mindepth 1`;
    const { stdout } = firewall({ before: open, after, programs: nftablesOn });
    expect(stdout).not.toContain("testbed");
    expect(stdout).toContain("tcp dport 23 drop");
  });

  test("rules that the service did not load are their owner's: what they must let in is said", () => {
    const { stdout, stderr, status } = firewall({ before: closed, after: list, programs: nftablesOff });
    expect(stdout).not.toContain("testbed");
    expect(stderr).toMatch(
      /nftables or iptables \(chain inet filter input\).*must let 192\.0\.2\.12 .* in to TCP ports 22 49152-49215/,
    );
    expect(status).toBe(0);
  });

  test("a peer that has no address is an error that names it", () => {
    const programs = { ...nftablesOn, getent: "exit 2" };
    const { stderr, status } = firewall({ before: closed, programs }, { PEERS: "nowhere.example" });
    expect(status).not.toBe(0);
    expect(stderr).toContain("nowhere.example");
  });

  test("a host without any filter has nothing written", () => {
    const { stdout, stderr } = firewall({
      after: `${list}; find /etc/systemd/system /etc/nfs.conf.d -mindepth 1`,
      programs: nftablesOn,
    });
    expect({ stdout, stderr }).toEqual({ stdout: "", stderr: "" });
  });
});

/** As ufw 0.36 does: its rules as `show added` prints them, in /run/rules. */
const ufw = `case $1 in
  status) echo "Status: \${UFW:-active}" ;;
  show) echo "Added user rules (see 'ufw status' for running firewall):"; cat /run/rules ;;
  prepend) shift
    rule="ufw \${*:1:$#-2} comment '\${*: -1}'"
    printf '%s\\n' "$rule" | cat - <(grep -vxF "$rule" /run/rules) > /run/new; mv /run/new /run/rules ;;
  --force) shift 2
    grep -q "^ufw $*\\( comment .*\\)\\?$" /run/rules || { echo "Could not delete non-existent rule" >&2; exit 1; }
    grep -v "^ufw $*\\( comment .*\\)\\?$" /run/rules > /run/new || true; mv /run/new /run/rules ;;
  *) echo "ufw: $*?" >&2; exit 1 ;;
esac`;
const own = "ufw limit 22/tcp\nufw allow from 198.51.100.12 to any port 22 proto tcp comment 'mine'\n";

describe.skipIf(!hasSandbox("getent"))("ufw", () => {
  const before = `cat > /run/rules <<'RULES'\n${own}RULES`;
  const after = "cat /run/rules";
  const programs = { ufw, nft: "exit 0", systemctl: "exit 1" };

  test("lets the peers in before rules that may limit or deny, and marks what it added", () => {
    const { stdout, stderr } = firewall({ before, after, programs });
    expect(stderr).toBe("");
    const added = (from: string, port: string) =>
      `ufw allow from ${from} to any port ${port} proto tcp comment 'kvm-migration-testbed hosts'`;
    expect(stdout.split("\n").sort()).toEqual(
      [
        "",
        added("192.0.2.12", "22"),
        added("192.0.2.12", "49152:49215"),
        // Its owner lets 198.51.100.12 in to port 22 already.
        added("198.51.100.12", "49152:49215"),
        ...own.trim().split("\n"),
      ].sort(),
    );
    expect(stdout.endsWith(own)).toBe(true);
  });

  test("again, nothing changes; for other peers, the ones before go", () => {
    const { stdout } = firewall({ before, after, programs });
    expect(firewall({ before, after, programs }, {}, ["apply", "apply"]).stdout).toBe(stdout);
    const others = `cat > /run/rules <<'RULES'\n${stdout}RULES`;
    const moved = firewall({ before: others, after, programs }, { PEERS: "192.0.2.13" }).stdout;
    expect(moved).not.toContain("192.0.2.12");
    expect(moved.match(/192\.0\.2\.13/g)).toHaveLength(2);
    expect(moved.endsWith(own)).toBe(true);
  });

  test("destroying it leaves its owner's rules", () => {
    expect(firewall({ before, after, programs }, {}, ["apply", "remove"]).stdout).toBe(own);
  });

  test("rules for something else with the same host stay", () => {
    const nfs = "ufw allow from 192.0.2.12 to any port 2049 proto tcp comment 'kvm-migration-testbed nfs'\n";
    const both = `cat > /run/rules <<'RULES'\n${nfs}RULES`;
    expect(firewall({ before: both, after, programs }, {}, ["apply", "remove"]).stdout).toBe(nfs);
  });

  test("one that is off is left alone", () => {
    const { stdout } = firewall({ before: `export UFW=inactive; ${before}`, after, programs });
    expect(stdout).toBe(own);
  });

  test("for QEMU's own NFS client, mountd gets a port that rules can name, and loses it again", () => {
    const nfs = { OPENS_FOR: "nfs", PEERS: "192.0.2.12", TCP_PORTS: "2049 111 mountd" };
    const kernel = { ...programs, nfsconf: "exit 1", systemctl: 'echo "systemctl $*" >> /run/log' };
    const look = `${after}; cat /etc/nfs.conf.d/* 2>/dev/null; cat /run/log || true`;
    const made = firewall(
      { before: `mkdir -p /etc/nfs.conf.d; ${before}`, after: look, programs: kernel },
      nfs,
    );
    expect(made.stdout).toContain("port 20048 proto tcp comment 'kvm-migration-testbed nfs'");
    expect(made.stdout).toContain("[mountd]\nport=20048\n");
    expect(made.stdout).toContain("systemctl try-restart nfs-mountd.service");
    const configured = { ...kernel, nfsconf: "echo 4002" };
    const kept = firewall({ before, after: look, programs: configured }, nfs).stdout;
    expect(kept).toContain("port 4002 proto tcp");
    expect(kept).not.toContain("[mountd]");
    const gone = firewall({ before, after: look, programs: kernel }, nfs, ["apply", "remove"]).stdout;
    expect(gone).not.toContain("[mountd]");
    expect(gone.startsWith(own)).toBe(true);
  });
});

test.skipIf(!hasSandbox("nft", "getent"))("firewalld is its owner's: what it must let in is said", () => {
  const programs = { ufw: 'echo "Status: inactive"', systemctl: "[[ $* == *firewalld* ]]" };
  const { stderr, status } = firewall({ before: closed, programs });
  expect(stderr).toMatch(
    /firewalld filters what comes in.* 192\.0\.2\.12 198\.51\.100\.12 .* TCP ports 22 49152-49215/,
  );
  expect(status).toBe(0);
});
