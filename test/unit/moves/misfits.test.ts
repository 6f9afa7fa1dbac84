import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isOlder } from "../../../libvirt/versions.ts";
import { fitting, misfits, type Versions } from "../../../moves/misfits.ts";
import { migrationModes } from "../../../moves/modes.ts";
import type { MigrationOptions } from "../../../moves/options.ts";

const versions = (libvirt: string, qemu = "10.0.2"): Versions => ({
  from: { libvirt, qemu },
  to: { libvirt: "99.0.0", qemu: "99.0.0" },
});
const unfit = (options: MigrationOptions, known?: Versions) =>
  misfits(options, known).map(({ option, problem, fix }) => `${option} ${problem}: ${fix}`);

describe("options that do not fit their mode", () => {
  test.each<[MigrationOptions, RegExp]>([
    [
      { mode: "live", hybrid: { afterPasses: 2 } },
      /^hybrid .*the mode is live: leave it out, or move hybrid$/,
    ],
    [{ mode: "postcopy", autoConverge: {} }, /^autoConverge .*the mode is postcopy: .*move live or hybrid$/],
    [{ mode: "cold", compression: "xbzrle" }, /^compression .*the mode is cold/],
    [{ mode: "offline", parallelConnections: 2 }, /^parallelConnections .*the mode is offline/],
    [{ mode: "offline", transport: "tls" }, /^transport .*offline moves go over SSH/],
    [{ mode: "postcopy", onTimeout: "suspend" }, /^onTimeout .*the mode is postcopy/],
    [
      { mode: "postcopy", switchoverMiBps: 400 },
      /^switchoverMiBps .*the mode is postcopy: .*live or hybrid$/,
    ],
  ])("%o", (options, reason) => {
    expect(unfit(options)).toEqual([expect.stringMatching(reason)]);
  });

  test.each<[MigrationOptions, RegExp]>([
    [{ mode: "live", compression: "zstd" }, /^compression zstd .*there are none: give parallelConnections/],
    [
      { mode: "live", compression: "xbzrle", parallelConnections: 2 },
      /^compression xbzrle .*take zstd or zlib/,
    ],
    [{ mode: "hybrid", transport: "tunnelled" }, /^transport tunnelled has one direction.*take tls/],
    [{ mode: "live", onTimeout: "postcopy", transport: "tunnelled" }, /^transport tunnelled/],
    [
      { mode: "live", parallelConnections: 2, transport: "tunnelled" },
      /^transport tunnelled .*parallelConnections/,
    ],
    [{ mode: "live", port: 49200, transport: "tunnelled" }, /^port 49200 .*leave it out$/],
  ])("or each other: %o", (options, reason) => {
    expect(unfit(options)).toEqual([expect.stringMatching(reason)]);
  });

  test.each<MigrationOptions>([
    { mode: "live", maxDowntimeMs: 50, bandwidthMiBps: 100, port: 49200, autoConverge: { initial: 30 } },
    { mode: "live", compression: "xbzrle", onTimeout: "suspend", transport: "tunnelled" },
    { mode: "live", parallelConnections: 4, transport: "tls" },
    { mode: "postcopy", bandwidthMiBps: 100, transport: "tls" },
    { mode: "hybrid", hybrid: { afterMs: 1000 }, autoConverge: {}, onTimeout: "postcopy" },
    // What is nothing for a mode by itself need not be taken out whenever the mode is changed.
    { mode: "cold", maxDowntimeMs: 300, bandwidthMiBps: 100, transport: "tcp", onTimeout: "abort" },
  ])("unlike these: %o", (options) => {
    expect(unfit(options, versions("9.0.0"))).toEqual([]);
  });

  test("what is left of options fits", () => {
    const anyOptions = fc.record(
      {
        mode: fc.constantFrom(...migrationModes),
        port: fc.constant(49200),
        hybrid: fc.constant({}),
        autoConverge: fc.constant({}),
        compression: fc.constantFrom("zlib", "zstd", "xbzrle"),
        parallelConnections: fc.constant(2),
        transport: fc.constantFrom("tcp", "tls", "tunnelled"),
        onTimeout: fc.constantFrom("abort", "postcopy", "suspend"),
        switchoverMiBps: fc.constant(400),
      },
      { requiredKeys: ["mode"] },
    );
    fc.assert(
      fc.property(anyOptions, (options) => {
        const left = fitting(options as MigrationOptions);
        expect(left.mode).toBe(options.mode);
        expect(left).toEqual(expect.objectContaining({ mode: options.mode }));
        // A second one may have leaned on the first.
        expect(misfits(fitting(left))).toEqual([]);
      }),
    );
  });
});

describe("options that are newer than a host's versions", () => {
  test.each<[MigrationOptions, Versions, RegExp]>([
    [{ mode: "postcopy" }, versions("8.0.0"), /^mode post-copy with libvirt 8\.0\.0 loses the guest/],
    [{ mode: "live", onTimeout: "postcopy" }, versions("8.0.0"), /^onTimeout post-copy with libvirt 8\.0\.0/],
    [
      { mode: "live", compression: "zstd", parallelConnections: 2 },
      versions("9.0.0"),
      /^compression zstd cannot be asked of libvirt 9\.0\.0 \(of 9\.4 it can\)/,
    ],
    [
      { mode: "hybrid", parallelConnections: 2 },
      versions("9.0.0", "7.2.22"),
      /^parallelConnections QEMU 7\.2\.22 has no post-copy beside parallel connections/,
    ],
    [
      { mode: "live", switchoverMiBps: 400 },
      versions("9.0.0"),
      /^switchoverMiBps 400 cannot be asked of libvirt 9\.0\.0 \(of 11\.1 it can\): leave it out, or upgrade libvirt$/,
    ],
    [
      { mode: "hybrid", switchoverMiBps: 400 },
      versions("11.3.0", "7.2.22"),
      /^switchoverMiBps 400 cannot be asked of QEMU 7\.2\.22 \(of 8\.2 it can\): leave it out, or upgrade QEMU$/,
    ],
  ])("%o", (options, known, reason) => {
    expect(unfit(options)).toEqual([]);
    expect(unfit(options, known)).toEqual([expect.stringMatching(reason)]);
    const other = { from: known.to, to: known.from };
    expect(unfit(options, other)).toEqual([expect.stringMatching(reason)]);
    expect(unfit(options, versions("99.0.0", "99.0.0"))).toEqual([]);
  });

  test("versions are compared part by part, and one that is not known is not old", () => {
    expect(isOlder("9.10.0", "9.4")).toBe(false);
    expect(isOlder("9.3.9", "9.4")).toBe(true);
    expect(isOlder("10.0.2", "9.4")).toBe(false);
    expect(isOlder("9.4.0", "9.4")).toBe(false);
    expect(isOlder("8.5", "8.5.1")).toBe(true);
    expect(isOlder("unknown", "8.5")).toBe(false);
  });
});
