import { describe, expect, test } from "vitest";
import { migrateArguments } from "../../../../migration/context/migrate-arguments.ts";
import { runningModes } from "../../../../moves/modes.ts";
import type { MigrationOptions } from "../../../../moves/options.ts";

const uuid = "1b7159b2-c702-5eb0-be68-43576be5849d";
const host = {
  ssh: { name: "host2", address: "192.0.2.12", port: 22, user: "root" },
  peerAddress: "198.51.100.12",
};
const args = (options: MigrationOptions) => migrateArguments(options, uuid, host);

describe("virsh's arguments of a running guest's move", () => {
  test("libvirt at the source drives it, and no safety is ever switched off", () => {
    expect(args({ mode: "live" })).toEqual([
      "--live",
      "--p2p",
      "--persistent",
      "--undefinesource",
      "--migrateuri",
      "tcp://198.51.100.12",
      "--listen-address",
      "198.51.100.12",
      uuid,
      "qemu+ssh://root@198.51.100.12/system",
    ]);
    for (const mode of runningModes) expect(args({ mode })).not.toContain("--unsafe");
  });

  test("a name is no address to listen on: on its own host it may be 127.0.1.1", () => {
    const named = migrateArguments({ mode: "live" }, uuid, { ...host, peerAddress: "kvm2.example" });
    expect(named).not.toContain("--listen-address");
    expect(named).toContain("tcp://kvm2.example");
    expect(args({ mode: "live", transport: "tunnelled" })).not.toContain("--listen-address");
  });

  test("a disk that lies on the host is copied over the shared base, and no other one is", () => {
    const all = migrateArguments({ mode: "live" }, uuid, host, true);
    expect(all.join(" ")).toContain("--copy-storage-inc --migrate-disks vda ");
    expect(args({ mode: "live" }).join(" ")).not.toContain("storage");
  });

  test("a port and a bandwidth are what the config says", () => {
    const all = args({ mode: "live", port: 49200, bandwidthMiBps: 100 }).join(" ");
    expect(all).toContain("tcp://198.51.100.12:49200 --listen-address 198.51.100.12 --bandwidth 100 ");
    expect(all).not.toContain("postcopy");
  });

  test("post-copy is asked for in its modes alone, under the same limit", () => {
    for (const mode of ["postcopy", "hybrid"] as const) {
      expect(args({ mode })).toContain("--postcopy");
      expect(args({ mode })).not.toContain("--postcopy-bandwidth");
      expect(args({ mode, bandwidthMiBps: 40 }).join(" ")).toContain(
        "--bandwidth 40 --postcopy --postcopy-bandwidth 40 ",
      );
    }
  });

  test("how fast the switchover is goes beside the limit", () => {
    expect(args({ mode: "live", bandwidthMiBps: 64, switchoverMiBps: 400 }).join(" ")).toContain(
      "--bandwidth 64 --available-switchover-bandwidth 400 ",
    );
  });

  test("all other options, as virsh calls them", () => {
    const options: MigrationOptions = {
      mode: "live",
      autoConverge: { initial: 30, increment: 15 },
      compression: "zstd",
      parallelConnections: 4,
      transport: "tls",
    };
    expect(args(options).slice(4, -2).join(" ")).toBe(
      "--migrateuri tcp://198.51.100.12 --listen-address 198.51.100.12 --tls --auto-converge --auto-converge-initial 30 --auto-converge-increment 15 " +
        "--compressed --comp-methods zstd --parallel --parallel-connections 4",
    );
    expect(args({ mode: "live", autoConverge: {} }).join(" ")).not.toContain("--auto-converge-");
  });

  test("inside libvirt's connection memory has no address of its own", () => {
    const tunnelled = args({ mode: "live", transport: "tunnelled" });
    expect(tunnelled).toContain("--tunnelled");
    expect(tunnelled).not.toContain("--migrateuri");
  });

  test("a live move that may end by post-copy is ready for it", () => {
    expect(args({ mode: "live", onTimeout: "postcopy" })).toContain("--postcopy");
    expect(args({ mode: "live", onTimeout: "suspend" })).not.toContain("--postcopy");
  });
});
