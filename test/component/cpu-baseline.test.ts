import { expect, test } from "vitest";
import { CpuBaseline } from "../../components/cpu-baseline.ts";
import { KvmHost } from "../../components/kvm-host.ts";
import { answers, probed } from "./hosts.ts";
import { type Answers, isKnown, record, resolved } from "./recorder.ts";

const cpu = "<cpu mode='custom' match='exact'><model fallback='forbid'>Skylake-Client</model></cpu>";

/** Hosts a and b, of which b is different. */
const differing =
  (b: Partial<typeof probed>): Answers =>
  (type, name, inputs) => {
    if (name.startsWith("platform-cpu-")) return { stdout: cpu };
    if (name === "b-probe") return { stdout: JSON.stringify({ ...probed, uuid: "of b", ...b }) };
    return answers(type, name, inputs);
  };

const declare = () => {
  const hosts = ["a", "b"].map((name, i) => new KvmHost(name, { address: `192.0.2.1${i}` }));
  return new CpuBaseline("platform", { hosts });
};

test("like hosts: KVM, the newest machine type, and the CPU that libvirt works out of both", async () => {
  const { result, one } = await record(declare, differing({ hostModel: "<mode>of b</mode>" }));
  expect(await resolved(result.accelerator)).toBe("kvm");
  expect(await resolved(result.machine)).toBe("pc-q35-8.2");
  expect(await resolved(result.cpuXml)).toBe(cpu);
  const { stdin } = one("platform-cpu-a").inputs;
  expect(stdin).toMatch(/HOST_MODELS=.*<mode name=.*\n<mode>of b<\/mode>/);
  expect(stdin).toContain("ACCELERATOR='kvm'");
});

test("one host that emulates has all guests emulated, on a machine type that both know", async () => {
  const b = { accelerator: "tcg", machines: ["pc-q35-8.1", "pc-q35-7.2"] } as const;
  const { result, one } = await record(declare, differing({ ...b, machines: [...b.machines] }));
  expect(await resolved(result.accelerator)).toBe("tcg");
  expect(await resolved(result.machine)).toBe("pc-q35-8.1");
  expect(one("platform-cpu-a").inputs.stdin).toContain("ACCELERATOR='tcg'");
});

test("in a preview of hosts that were never asked nothing is known yet", async () => {
  const { result } = await record(declare, answers, { preview: true });
  expect(await isKnown(result.accelerator)).toBe(false);
  expect(await isKnown(result.cpuXml)).toBe(false);
});

test("no hosts have no common platform", async () => {
  await expect(record(() => new CpuBaseline("platform", { hosts: [] }))).rejects.toThrow("at least one host");
});

test("the host with the newest libvirt has the word, whatever the order of hosts", async () => {
  const newer = "<cpu mode='custom'><model>Skylake-Client</model><vendor>Intel</vendor></cpu>";
  const said: Answers = (type, name, inputs) => {
    if (name === "platform-cpu-a") return { stdout: "" };
    if (name === "platform-cpu-b") return { stdout: newer };
    return differing({ libvirt: "11.3.0" })(type, name, inputs);
  };
  const { result } = await record(declare, said);
  expect(await resolved(result.cpuXml)).toBe(newer);
});
