import { expect, test } from "vitest";
import { providerUri } from "../../../hosts/libvirt-uri.ts";
import { parseStackConfig } from "../../../stacks/checks/parse.ts";
import { labInput } from "../../unit/helpers/config-stack.ts";
import { hasSandbox, runOnSandbox } from "../helpers/host-sandbox.ts";

const { lab: _, ...rest } = labInput();
const metal = (host: { address?: string; user?: string }) => ({
  ...rest,
  storage: { address: "192.0.2.10", ...host },
  hosts: rest.hosts.map((each, index) => ({
    ...each,
    address: `192.0.2.1${index + 1}`,
    ...(index === 0 && host),
  })),
  bridge: {},
});

test.each(["root", "first.last", "DOMAIN\\admin", "admin@example.com", "Admin", "_svc", "svc-1"])(
  "OpenSSH logs in as %s, and so does a stack",
  (user) => {
    const { hosts } = parseStackConfig(metal({ user }), "metal");
    expect(hosts[0]?.user).toBe(user);
    const uri = providerUri({ name: "h1", address: "192.0.2.11", port: 22, user });
    expect(decodeURIComponent(new URL(uri.replace("qemu+ssh", "http")).username)).toBe(user);
  },
);

test.each(["kvm_01", "_kvm", "kvm-01.example.com"])("an alias of ~/.ssh/config may be %s", (address) => {
  expect(parseStackConfig({ ...metal({}), storage: { address } }, "metal").storage.address).toBe(address);
});

test.each(["-oProxyCommand=x", "a b", "a;b", "a$(id)", "a'b", "admin\\", "a\nb", "", "a`b"])(
  "neither OpenSSH nor a shell could take it for more than a name: %j is refused",
  (user) => {
    expect(() => parseStackConfig(metal({ user }), "metal")).toThrow("letters, digits and any of");
  },
);

test.runIf(hasSandbox("bash"))("a host forgets a domain's user as it remembered it", () => {
  const user = "DOMAIN\\admin.1";
  const done = runOnSandbox(
    "libvirtd",
    { LOGIN: user, MIGRATION_ADDRESS: "" },
    {
      before: "mkdir -p /etc/libvirt; touch /etc/libvirt/libvirtd.conf /etc/libvirt/qemu.conf",
      programs: {
        id: "echo users",
        gpasswd: 'printf "%s\\n" "$*" >> /run/gpasswd',
        systemctl: "exit 0",
        virsh: "exit 0",
      },
      after: "cat /run/gpasswd; ls /var/lib/kvm-migration-testbed 2>&1 || true",
    },
    ["apply", "remove"],
  );
  expect(done.stdout).toContain(`--add ${user} libvirt\n--delete ${user} libvirt\n`);
  expect(done.stdout).not.toContain("libvirt-group");
});
