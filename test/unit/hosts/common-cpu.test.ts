import { expect, test } from "vitest";
import { type CpuAnswer, commonCpu } from "../../../hosts/common-cpu.ts";
import { commonPlatform } from "../../../hosts/common-platform.ts";

const host = (name: string, libvirt: string, said: Partial<CpuAnswer>): CpuAnswer => ({
  name,
  libvirt,
  accelerator: "kvm",
  hostModel: "<mode/>",
  models: ["EPYC", "Skylake-Client"],
  features: ["acpi", "ss", "vme"],
  cpuXml: "",
  ...said,
});
const cpu = (model: string, ...features: [policy: string, name: string][]) =>
  `<cpu mode='custom' match='exact'>\n  <model fallback='forbid'>${model}</model>\n  <vendor>AMD</vendor>\n${features
    .map(([policy, name]) => `  <feature policy='${policy}' name='${name}'/>`)
    .join("\n")}\n</cpu>`;
// As libvirt 9.0 (Debian 12) and 11.3 (Debian 13) name things: the newer one has models by version, and more features.
const newer = { models: ["EPYC", "EPYC-v4", "Skylake-Client"], features: ["acpi", "cmpccxadd", "ss", "vme"] };

test.each([false, true])("the newest libvirt's answer is taken (order turned round: %s)", (isTurned) => {
  const own = cpu("EPYC", ["require", "acpi"]);
  const old = host("old", "9.0.0", { cpuXml: cpu("EPYC") });
  const fresh = host("fresh", "11.3.0", { ...newer, cpuXml: own });
  expect(commonCpu(isTurned ? [fresh, old] : [old, fresh])).toBe(own);
  // 10 is newer than 9.
  expect(
    commonCpu([host("a", "9.10.0", { cpuXml: cpu("EPYC") }), host("b", "10.0.0", { cpuXml: own })]),
  ).toBe(own);
});

test("a feature that is switched off and that one host has no name for is dropped", () => {
  const said = commonCpu([
    host("old", "9.0.0", {}),
    host("fresh", "11.3.0", {
      ...newer,
      cpuXml: cpu("EPYC", ["require", "acpi"], ["disable", "cmpccxadd"], ["disable", "vme"]),
    }),
  ]);
  expect(said).not.toContain("cmpccxadd");
  expect(said).toMatch(/mode="custom" match="exact"/);
  expect(said).toMatch(/<model fallback="forbid">EPYC<\/model>/);
  expect(said.match(/<feature policy="(require|disable)" name="(acpi|vme)"\/>/g)).toHaveLength(2);
});

test("a model that one host does not know gives way to what the next newest libvirt says", () => {
  const old = host("old", "9.0.0", { cpuXml: cpu("EPYC") });
  const fresh = host("fresh", "11.3.0", { ...newer, cpuXml: cpu("EPYC-v4") });
  expect(commonCpu([fresh, old])).toBe(cpu("EPYC"));
});

test("a feature that is needed and not known everywhere is a mistake with the hosts' names", () => {
  const fresh = host("fresh", "11.3.0", { ...newer, cpuXml: cpu("EPYC", ["require", "cmpccxadd"]) });
  expect(() => commonCpu([host("old", "9.0.0", {}), fresh])).toThrow(
    /libvirt 11\.3\.0 on fresh says EPYC with cmpccxadd, which old does not know; libvirt 9\.0\.0 on old could not say/,
  );
});

test("a host whose libvirt has no host model is named", () => {
  expect(() => commonCpu([host("a", "9.0.0", { hostModel: "", cpuXml: cpu("EPYC") })])).toThrow(
    /libvirt on a names no CPU/,
  );
});

test("addresses are as wide as the narrowest host's, where that matters", () => {
  const own = cpu("EPYC", ["require", "acpi"]);
  const wide = own.replace("</cpu>", "  <maxphysaddr mode='passthrough' limit='52'/>\n</cpu>");
  const both = (cpuXml: string, ...widths: [number, number]) =>
    commonCpu(widths.map((addressBits, at) => host(`h${at}`, "11.3.0", { cpuXml, addressBits })));
  expect(both(own, 46, 46)).toBe(own);
  expect(both(own, 46, 52)).toBe(own);
  expect(both(own, 39, 46)).toContain('<maxphysaddr mode="emulate" bits="39"/>');
  expect(both(wide, 48, 52)).toContain('<maxphysaddr mode="emulate" bits="48"/>');
  expect(both(wide, 48, 52)).not.toContain("passthrough");
  expect(both(wide, 48, 48)).toBe(wide);
});

test("two hosts made from one image are named, and what to do about it", () => {
  const twin = { accelerator: "kvm", machines: ["pc-q35-8.2"], qemu: "8.2.2", uuid: "AAAA-1" } as const;
  const hosts = [
    { ...twin, name: "a", machines: [...twin.machines] },
    { ...twin, name: "c", machines: [...twin.machines], uuid: "cccc-1" },
    { ...twin, name: "b", machines: [...twin.machines], uuid: "aaaa-1" },
  ];
  expect(() => commonPlatform(hosts)).toThrow(
    /libvirt on a and on b has the same host UUID, aaaa-1.*On b, put the line host_uuid/,
  );
  expect(commonPlatform(hosts.slice(0, 2))).toEqual({ accelerator: "kvm", machine: "pc-q35-8.2" });
});
