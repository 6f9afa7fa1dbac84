import { describe, expect, test } from "vitest";
import { hasSandbox, runOnSandbox, type Sandbox } from "../helpers/host-sandbox.ts";

// What is written on hosts for NFS, and taken away again: on something like a host, whose systemd and NFS only pretend.

const folder = "/srv/testbed";

/** Writes down how it is called; what it says depends on that. */
const recorded = (name: string, answers = "") => `echo "${name} $*" >> /run/calls\n${answers}`;
const show = (...files: string[]) =>
  files.map((file) => `if [ -e ${file} ]; then echo "-- ${file}"; cat ${file}; fi`).join("\n");

describe.skipIf(!hasSandbox("bash"))("the kernel's NFS server", () => {
  const exports = "/etc/exports.d/kvm-migration-testbed.exports";
  const serve = (
    actions: readonly ("apply" | "remove")[],
    { before = "", enabled = true, transport = "userspace" } = {},
  ) =>
    runOnSandbox(
      "nfs-kernel",
      { EXPORT: folder, TRANSPORT: transport, CLIENTS: "198.51.100.11,198.51.100.12" },
      {
        before: `rm -rf /etc/exports.d; mount -t tmpfs own /srv; ${before}`,
        after: `${show(exports, "/run/calls", "/var/lib/kvm-migration-testbed/enabled-services")}\nls -d /srv/* /etc/exports.d 2>/dev/null || true`,
        programs: {
          "systemd-detect-virt": "false",
          exportfs: recorded("exportfs"),
          systemctl: recorded("systemctl", `[[ $* != *is-enabled* ]] || ${enabled}`),
        },
      },
      actions,
    );

  test("exports the folder to the hosts' addresses alone, in a file of its own", () => {
    const { stdout, stderr, status } = serve(["apply"]);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    expect(stdout).toBe(`-- ${exports}
# Written by kvm-migration-testbed.
/srv/testbed 198.51.100.11(rw,sync,no_root_squash,no_subtree_check,insecure)
/srv/testbed 198.51.100.12(rw,sync,no_root_squash,no_subtree_check,insecure)
-- /run/calls
systemctl --quiet is-enabled nfs-server.service
systemctl --quiet enable --now nfs-server.service
exportfs -ra
/etc/exports.d
/srv/testbed
`);
  });

  test("asks for a port that is root's where only kernels mount it", () => {
    expect(serve(["apply"], { transport: "kernel" }).stdout).toContain("no_subtree_check,secure)");
    for (const transport of ["userspace", "auto"])
      expect(serve(["apply"], { transport }).stdout).toContain("no_subtree_check,insecure)");
  });

  test("takes all of it back, and leaves the service on that was on", () => {
    const { stdout, status } = serve(["apply", "remove"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^-- \/run\/calls\n/);
    expect(stdout).not.toContain("disable");
    expect(stdout).not.toMatch(/^\/(srv\/testbed|etc\/exports.d)$/m);
  });

  test("turns a service off again that was off", () => {
    const { stdout } = serve(["apply", "remove"], { enabled: false });
    expect(stdout).toContain("systemctl --quiet disable --now nfs-server.service");
    expect(stdout).not.toContain("enabled-services");
  });

  test("leaves a folder that was there, and one in which something is", () => {
    expect(serve(["apply", "remove"], { before: `mkdir ${folder}` }).stdout).toMatch(/^\/srv\/testbed$/m);
    const before = "mkdir /srv/other; touch /srv/other/file";
    expect(serve(["apply", "remove"], { before }).stdout).toMatch(/^\/srv\/other$/m);
  });
});

describe.skipIf(!hasSandbox("bash"))("the mount on a host", () => {
  const unit = "/etc/systemd/system/srv-testbed.mount";
  /** systemd that mounts if `mounts` allows what the unit's file asks for. */
  const systemd = (mounts: string) => ({
    "systemd-escape": "echo srv-testbed.mount",
    journalctl: 'echo "mount.nfs: access denied by server"',
    systemctl: recorded(
      "systemctl",
      `case $* in
         *restart*) ${mounts} && mount --bind ${folder} ${folder} ;;
         *stop* | *disable*--now*) umount ${folder} 2>/dev/null || ! grep -q " ${folder} " /proc/self/mounts ;;
       esac`,
    ),
  });
  const mount = (
    actions: readonly ("apply" | "remove")[],
    { mounts = "true", ...sandbox }: Sandbox & { mounts?: string } = {},
    variables: Readonly<Record<string, string>> = {},
  ) =>
    runOnSandbox(
      "nfs-mount",
      { EXPORT: folder, SERVER: "198.51.100.10", TRANSPORT: "kernel", ...variables },
      {
        ...sandbox,
        before: `mount -t tmpfs own /srv; mkdir -p /srv; ${sandbox.before ?? ""}`,
        after: `${show(unit)}\nls /srv; grep -c " ${folder} " /proc/self/mounts || true`,
        programs: { ...systemd(mounts), ...sandbox.programs },
      },
      actions,
    );

  test("is a unit of NFS 4.2, hard, that is tried for ten minutes after a boot", () => {
    const { stdout, stderr, status } = mount(["apply"]);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    expect(stdout).toBe(`-- ${unit}
# Written by kvm-migration-testbed.
[Unit]
Description=Guests' disks of kvm-migration-testbed
[Mount]
What=198.51.100.10:/srv/testbed
Where=/srv/testbed
Type=nfs4
Options=minorversion=2,hard,noatime,retry=10
TimeoutSec=660
[Install]
WantedBy=remote-fs.target
testbed
1
`);
  });

  test("falls back to NFS 4.1, and stays there", () => {
    const { stdout, status } = mount(["apply", "apply"], { mounts: `grep -q minorversion=1 ${unit}` });
    expect(status).toBe(0);
    expect(stdout).toContain("Options=minorversion=1,hard,noatime,retry=10\n");
    expect(stdout).toMatch(/\n1\n$/);
  });

  test("goes away with all that was made for it", () => {
    const { stdout, status } = mount(["apply", "remove"]);
    expect({ stdout, status }).toEqual({ stdout: "0\n", status: 0 });
  });

  test("leaves nothing when it is refused, and says what the server said", () => {
    const { stdout, stderr, status } = mount(["apply"], { mounts: "false" });
    expect(status).not.toBe(0);
    expect(stdout).toBe("");
    expect(stderr).toContain(
      "cannot mount 198.51.100.10:/srv/testbed with NFS 4.1 or newer: mount.nfs: access denied",
    );
  });

  describe("that guests have disks open on", () => {
    const busy = {
      umount: "exit 32",
      journalctl: 'echo "umount.nfs4: /srv/testbed: device is busy"; echo "srv-testbed.mount: Failed"',
    };
    const refusal =
      "cannot unmount /srv/testbed (umount.nfs4: /srv/testbed: device is busy): guests have disks open on it. " +
      "Shut them down or drain this host first, and run again; nothing was changed\n";
    /** Mounted from the server of another address than is asked for now. */
    const before = `mkdir -p ${folder} && mount --bind ${folder} ${folder}
cat > ${unit} <<'UNIT'
# Written by kvm-migration-testbed.
What=198.51.100.20:${folder}
Options=minorversion=2,hard,noatime,retry=10
UNIT
cp ${unit} /run/unit
trap 'cmp ${unit} /run/unit && echo the unit is as it was; cat /run/calls' EXIT`;

    test.each([
      ["whose server's address changes", ["apply"], {}],
      ["that is not wanted any more", ["apply"], { TRANSPORT: "userspace" }],
      ["whose host is given back", ["remove"], {}],
    ] as const)("%s, is left as it is, and it is said what to do", (_what, actions, variables) => {
      const { stdout, stderr, status } = mount(actions, { before, programs: busy }, variables);
      expect(status).not.toBe(0);
      expect(stderr.endsWith(refusal)).toBe(true);
      expect(stdout).toBe("the unit is as it was\nsystemctl stop srv-testbed.mount\n");
    });
  });

  test("whose server's address changes is mounted anew where nothing is open on it", () => {
    const { stdout, stderr, status } = mount(["apply"], {
      before: `mkdir -p ${folder} && mount --bind ${folder} ${folder}; install -D /dev/null ${unit}`,
    });
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    expect(stdout).toContain("What=198.51.100.10:/srv/testbed\n");
    expect(stdout).toMatch(/\n1\n$/);
  });

  test("is refused where something else is mounted", () => {
    const before = `mkdir ${folder}; mount -t tmpfs other ${folder}`;
    expect(mount(["apply"], { before }).stderr).toContain(`${folder} is a mount already (other tmpfs)`);
  });
});

describe.skipIf(!hasSandbox("bash"))(
  "a mount, made here or there already, that guests' disks are to lie on",
  () => {
    const use = (sandbox: Sandbox = {}, TRANSPORT = "kernel") =>
      runOnSandbox(
        "mount-usable",
        { EXPORT: folder, SERVER: "198.51.100.10", TRANSPORT },
        {
          ...sandbox,
          before: `mount -t tmpfs own /srv; mkdir ${folder}; ${sandbox.before ?? ":"}; trap 'ls -A ${folder}' EXIT`,
        },
      );

    test("is tried, and nothing stays of that", () => {
      expect(use()).toMatchObject({ status: 0, stdout: "", stderr: "" });
    });

    test("is an error where it may not be written to", () => {
      const { stderr, status } = use({ before: "mount -o remount,ro /srv" });
      expect(status).not.toBe(0);
      expect(stderr).toContain("may not write to 198.51.100.10:/srv/testbed as root (Read-only file system)");
      expect(use({ before: "mount -o remount,ro /srv" }, "userspace")).toMatchObject({ status: 0 });
    });

    test("is an error where root is another user, and nothing stays of the try", () => {
      const chown = `echo "chown: changing ownership of '$2': Operation not permitted" >&2; exit 1`;
      const { stdout, stderr, status } = use({ programs: { chown } });
      expect(status).not.toBe(0);
      expect(stdout).toBe("");
      expect(stderr).toContain(
        "as root (Operation not permitted). Has that folder an entry in /etc/exports there without rw and no_root_squash",
      );
    });

    test("is an error in half a minute where its server does not answer", () => {
      // What waits there is killed, and says nothing.
      const { stderr, status } = use({
        programs: { timeout: '[[ $* == *stat* ]] && exit 137; shift; "$@"' },
      });
      expect(status).not.toBe(0);
      expect(stderr).toContain("/srv/testbed is mounted, and 198.51.100.10 does not answer");
    });
  },
);

describe.skipIf(!hasSandbox("bash"))("the NFS server in user space", () => {
  const conf = "/etc/ganesha/ganesha.conf";
  const serve = (version: string, staysUp = true) =>
    runOnSandbox(
      "nfs-ganesha",
      { EXPORT: folder, CLIENTS: "198.51.100.11" },
      {
        before: "mount -t tmpfs own /srv; rm -rf /etc/ganesha",
        after: show(conf),
        programs: {
          "systemd-detect-virt": "true",
          "ganesha.nfsd": `echo "NFS-Ganesha Release = V${version}"`,
          systemctl: `case $* in *is-active*) ${staysUp} ;; *show*) echo ;; esac`,
        },
      },
    );
  const flusher = "Allow_Set_Io_Flusher_Fail = true;";

  test("is told to go on in a container where its version asks for that, and only there", () => {
    const young = serve("6.5");
    expect(young).toMatchObject({ status: 0, stderr: "" });
    expect(young.stdout).toContain(`  Protocols = 3, 4;\n  ${flusher}\n}`);
    expect(serve("4.3").stdout).toContain("  Protocols = 3, 4;\n}");
    expect(serve("4.3").stdout).not.toContain(flusher);
  });

  test("that ends as soon as it is started is told at once", () => {
    const { status, stderr } = serve("6.5", false);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/the NFS server ended as soon as it was started: .*ganesha\.log/);
  });
});
