import * as pulumi from "@pulumi/pulumi";
import { expect, test, vi } from "vitest";
import { KvmHost } from "../../components/kvm-host.ts";
import { NfsPool, type NfsPoolArgs } from "../../components/nfs-pool.ts";
import { answers, withoutKernelNfs } from "./hosts.ts";
import { recordOptions } from "./options.ts";
import { record, resolved } from "./recorder.ts";

/** What was run on hosts at once. */
const ran: { host: string; input: string }[] = [];
vi.mock("../../ssh/session-pool.ts", () => ({
  withSession: ({ name: host }: { name: string }, use: (session: object) => unknown) => {
    const run = async (_doing: string, _command: string, { input }: { input: string }) => {
      ran.push({ host, input });
      return { stdout: "", stderr: "", exitCode: 0 };
    };
    return use({ run });
  },
}));

function pool(args: Partial<NfsPoolArgs> = {}) {
  const hosts = [
    new KvmHost("a", { address: "192.0.2.11", migrationAddress: "198.51.100.11" }),
    new KvmHost("b", { address: "192.0.2.12" }),
  ];
  const storage = { name: "store", address: "192.0.2.10" };
  return new NfsPool("pool", { storage, hosts, ...args });
}

test("the export is for the addresses alone that these hosts have for the server", async () => {
  const { one } = await record(() => pool({ export: "/srv/vm", serverAddress: "198.51.100.10" }), answers);
  expect(one("pool-a-client").inputs.stdin).toContain("SERVER='198.51.100.10'");
  const { stdin } = one("pool-server").inputs;
  expect(stdin).toContain("CLIENTS='from-pool-a-client,from-pool-b-client'");
  expect(stdin).toContain("EXPORT='/srv/vm'");
});

test("the storage host's firewall lets these hosts in, to all of NFSv3 unless it is sure that kernels mount", async () => {
  const ports = async (args: Partial<NfsPoolArgs>) =>
    (await record(() => pool(args), answers)).one("pool-server").inputs.stdin;
  const peers = "OPENS_FOR='nfs'\nPEERS='from-pool-a-client from-pool-b-client'\n";
  expect(await ports({ transport: "kernel" })).toContain(`${peers}TCP_PORTS='2049'\n`);
  for (const transport of ["auto", "userspace"] as const) {
    expect(await ports({ transport })).toContain(`${peers}TCP_PORTS='2049 111 mountd'\n`);
  }
});

test("a base image is a volume of the storage host's pool, named after its file, which later changes leave alone", async () => {
  const path = "/cache/debian-12-0a1b.qcow2";
  const { one, options, result } = await recordOptions(() => pool().base("pool-base", { path }), answers);
  expect(options("pool-base").ignoreChanges).toEqual(["name", "source", "format"]);
  expect(one("pool-store").inputs).toMatchObject({
    name: "testbed",
    type: "dir",
    target: { path: "/export/testbed" },
  });
  expect(one("pool-base").inputs).toMatchObject({
    name: "debian-12-0a1b.qcow2",
    pool: "testbed",
    source: "/cache/debian-12-0a1b.qcow2",
  });
  expect(one("pool-base").provider).toContain("store-libvirt");
  expect(await resolved(result.id)).toBe("pool-base-id");
  expect(await resolved(result.format)).toBe("qcow2");
});

test("a base image that stays has its own format, whatever the next one's is", async () => {
  const base = () => pool().base("pool-base", { path: "/cache/next.img", format: "raw" });
  const { result } = await record(base, (type, name, inputs) =>
    name === "pool-base" ? { format: "qcow2" } : answers(type, name, inputs),
  );
  expect(await resolved(result.format)).toBe("qcow2");
});

test("storage that is there already is looked at, and nothing of it is made or taken away", async () => {
  const { one, declared, result } = await record(
    () => pool({ existing: true, pool: "images", export: "/srv/vm" }),
    answers,
  );
  const names = declared.map(({ name }) => name);
  for (const made of ["pool-store", "pool-a-client", "pool-b-client"]) expect(names).not.toContain(made);
  expect(one("pool-server").inputs.stdin).toContain("POOL='images'\nEXPORT='/srv/vm'");
  expect(one("pool-server").inputs.stdin).toMatch(/each .*pool-there/);
  for (const host of ["a", "b"])
    expect(one(`pool-${host}`).inputs.stdin).toMatch(
      /EXPORT='\/srv\/vm'.*each .*mount-there.*mount-usable.*nfs-open/s,
    );
  for (const command of ["pool-server", "pool-a"]) {
    expect(one(command).inputs.stdin).not.toMatch(/ganesha|nfs-kernel|nfs-mount|firewall|pool-define/);
    expect(one(command).inputs).not.toHaveProperty("delete");
  }
  expect(await resolved(result.pool)).toBe("images");
  expect(await resolved(result.transport)).toBe("kernel");
});

test("where every kernel can mount, hosts mount", async () => {
  const { one, result } = await record(() => pool(), answers);
  expect(await resolved(result.transport)).toBe("kernel");
  for (const host of ["a", "b"]) {
    expect(one(`pool-${host}`).inputs.stdin).toContain("TRANSPORT='kernel'");
  }
});

test("where one kernel can't, all use QEMU's own client, and there is nothing to mount", async () => {
  const { result, one } = await record(() => pool(), withoutKernelNfs("b"));
  expect(await resolved(result.transport)).toBe("userspace");
  expect(one("pool-a").inputs.stdin).toContain("TRANSPORT='userspace'");
});

test("hosts get into the export only once it is there", async () => {
  const { one } = await record(() => pool(), answers);
  expect(one("pool-a").dependencies.join()).toContain("pool-server");
});

test("what is in the way of a seed is cleared on the storage host, where its pool and its guest are known", async () => {
  const { result } = await recordOptions(() => {
    const made = pool({ export: "/srv/vm", pool: "mine" });
    return made.beforeCreate({ name: "db-seed.iso", uuid: pulumi.output("6c5c") });
  }, answers);
  const { beforeCreate = [] } = result;
  for (const hook of beforeCreate) await (hook as pulumi.ResourceHookFunction)({} as pulumi.ResourceHookArgs);
  expect(ran.map(({ host }) => host)).toEqual(["store"]);
  for (const variable of ["POOL='mine'", "EXPORT='/srv/vm'", "SEED='db-seed.iso'", "UUID='6c5c'"]) {
    expect(ran[0]?.input).toContain(variable);
  }
});
