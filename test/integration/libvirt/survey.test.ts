import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import { parseDomain } from "../../../libvirt/domain-facts.ts";
import { parseSurvey, surveyScript } from "../../../libvirt/survey.ts";

/** From `virsh dumpxml` of a running guest (libvirt 9.0.0, QEMU 10.0.2), its CPU's features and some devices left out. */
const running = `<domain type='qemu' id='74'>
  <name>vm2</name>
  <uuid>4176ef6d-eeb0-5325-a37e-d225f61c8205</uuid>
  <memory unit='KiB'>393216</memory>
  <os>
    <type arch='x86_64' machine='pc-q35-10.0'>hvm</type>
    <boot dev='hd'/>
  </os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='network' device='disk'>
      <driver name='qemu' type='qcow2' cache='none' discard='unmap'/>
      <source protocol='nfs' name='/export/testbed/vm2.qcow2' index='2'>
        <host name='10.77.43.10'/>
        <identity user='root' group='root'/>
      </source>
      <backingStore type='network' index='3'>
        <format type='qcow2'/>
        <source protocol='nfs' name='/export/testbed/debian-12-b6450ff5ab50.qcow2'>
          <host name='10.77.43.10'/>
          <identity user='root' group='root'/>
        </source>
        <backingStore/>
      </backingStore>
      <target dev='vda' bus='virtio'/>
      <alias name='virtio-disk0'/>
    </disk>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw' cache='none'/>
      <source protocol='nfs' name='/export/testbed/vm2-seed.iso' index='1'>
        <host name='10.77.43.10'/>
        <identity user='root' group='root'/>
      </source>
      <target dev='vdb' bus='virtio'/>
      <readonly/>
    </disk>
    <interface type='bridge'>
      <mac address='52:54:00:ba:8f:cc'/>
      <source bridge='br0'/>
      <target dev='vnet73'/>
      <model type='virtio'/>
    </interface>
  </devices>
</domain>`;

describe("the definition of a running guest", () => {
  test("says where its disks are, and what it is attached to", () => {
    expect(parseDomain(running)).toEqual({
      name: "vm2",
      memoryMiB: 384,
      machine: "pc-q35-10.0",
      disks: [
        {
          target: "vda",
          isReadOnly: false,
          cache: "none",
          path: "/export/testbed/vm2.qcow2",
          server: "10.77.43.10",
          backing: { path: "/export/testbed/debian-12-b6450ff5ab50.qcow2", server: "10.77.43.10" },
          isMirrored: false,
        },
        {
          target: "vdb",
          isReadOnly: true,
          cache: "none",
          path: "/export/testbed/vm2-seed.iso",
          server: "10.77.43.10",
          isMirrored: false,
        },
      ],
      interfaces: [{ bridge: "br0", mac: "52:54:00:ba:8f:cc" }],
    });
  });

  test("a disk that is a file, without a cache mode, while it is copied; a card with an MTU of its own; a card on a network", () => {
    const { disks, interfaces } = parseDomain(`<domain><devices>
      <disk type='file'><driver name='qemu'/><source file='/e/a.qcow2'/><target dev='vda'/><mirror type='file' job='copy'/></disk>
      <disk type='network'><source protocol='rbd' name='pool/a'><host name='ceph'/></source><target dev='vdb'/></disk>
      <interface type='bridge'><source bridge='br1'/><mtu size='9000'/></interface>
      <interface type='network'><source network='default'/></interface>
    </devices></domain>`);
    expect(disks).toEqual([
      { target: "vda", isReadOnly: false, cache: "default", path: "/e/a.qcow2", isMirrored: true },
      {
        target: "vdb",
        isReadOnly: false,
        cache: "default",
        isMirrored: false,
        other: "rbd:pool/a",
        isRemote: true,
      },
    ]);
    expect(interfaces).toEqual([{ bridge: "br1", mtu: 9000 }, {}]);
  });
});

/** From a host of the lab, most of the machine types left out. */
const answers = `memory 17094
resident vm1 314
resident vm2 325
space /var/lib/kvm-migration-testbed/moving 66235
size 197145
bridge br0 1500
machine microvm
machine pc-q35-10.0
machine pc-q35-9.2
userfaultfd usable
namesake d497cece-d52b-55ea-9a92-9410a6c1f6a9
cpu missing features: avx512f,avx512dq
port 49215
`;

describe("what a host says of itself", () => {
  test("is read line by line, and the guest's definition after that", () => {
    expect(parseSurvey(`${answers}definition\n${running}`)).toEqual({
      availableMiB: 17094,
      residentMiB: { vm1: 314, vm2: 325 },
      spaceMiB: { "/var/lib/kvm-migration-testbed/moving": 66235 },
      fileMiB: 1,
      bridges: { br0: 1500 },
      machines: ["microvm", "pc-q35-10.0", "pc-q35-9.2"],
      userfaultfd: "usable",
      namesake: "d497cece-d52b-55ea-9a92-9410a6c1f6a9",
      cpu: "missing features: avx512f,avx512dq",
      port: 49215,
      domain: parseDomain(running),
      belongings: { snapshots: [], checkpoints: [], isSaved: false, startsWithHost: false, blockJobs: [] },
    });
  });

  test("what it does not say is absent", () => {
    expect(parseSurvey("definition\n")).toEqual({
      residentMiB: {},
      spaceMiB: {},
      bridges: {},
      machines: [],
    });
    expect(parseSurvey("userfaultfd Operation not permitted\n")).toMatchObject({
      userfaultfd: "Operation not permitted",
    });
  });

  // Real shells, on this machine; no libvirt is asked.
  const ask = (...questions: Parameters<typeof surveyScript>[0]) =>
    parseSurvey(execFileSync("bash", ["-c", surveyScript(questions)]).toString());

  test("memory and room are this machine's", () => {
    const { availableMiB = 0, spaceMiB } = ask(
      { ask: "memory" },
      { ask: "resident", guests: ["it's not here"] },
      { ask: "space", directory: "/tmp/not/yet/there" },
    );
    const totalKiB = Number(/^MemTotal:\s+(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]);
    expect(availableMiB).toBeGreaterThan(0);
    expect(availableMiB).toBeLessThan(totalKiB / 1024);
    expect(spaceMiB["/tmp/not/yet/there"]).toBeGreaterThanOrEqual(0);
  });

  const groups = "/sys/fs/cgroup/memory";
  test.skipIf(!existsSync(`${groups}/memory.limit_in_bytes`) || process.getuid?.() !== 0)(
    "memory is no more than control groups leave, of a group in another one too",
    () => {
      const outer = mkdtempSync(`${groups}/survey-`);
      const inner = `${outer}/inner`;
      const within = (...lines: string[]) =>
        parseSurvey(
          execFileSync("bash", [
            "-c",
            ["exec bash -s <<'END'", ...lines, surveyScript([{ ask: "memory" }]), "END"].join("\n"),
          ]).toString(),
        ).availableMiB;
      try {
        mkdirSync(inner);
        writeFileSync(`${outer}/memory.limit_in_bytes`, `${100 * 2 ** 20}`);
        const left = within(`echo $$ > ${inner}/cgroup.procs`);
        expect(left).toBeLessThan(100);
        expect(left).toBeGreaterThan(50);
        // What a file has in memory is given back when it is asked for.
        const read = `head -c 60M /dev/zero > ${tmpdir()}/survey-file; cat ${tmpdir()}/survey-file > /dev/null`;
        expect(within(`echo $$ > ${inner}/cgroup.procs`, read)).toBeGreaterThan(50);
      } finally {
        rmSync(`${tmpdir()}/survey-file`, { force: true });
        rmdirSync(inner);
        rmdirSync(outer);
      }
    },
  );

  test("an image that lies over another is found beside it, whatever else is there", () => {
    const folder = mkdtempSync(`${tmpdir()}/over `);
    const image = `${folder}/vm1.qcow2`;
    const make = (...args: string[]) => execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", ...args]);
    make(image, "1M");
    make("-b", image, "-F", "qcow2", `${folder}/vm1.S`);
    make("-b", "vm1.qcow2", "-F", "qcow2", `${folder}/vm1 beside`);
    make("-b", `${folder}/vm1.S`, "-F", "qcow2", `${folder}/vm1.T`);
    writeFileSync(`${folder}/notes`, "QFI");
    // Merged into the image later, and left behind.
    make("-b", image, "-F", "qcow2", `${folder}/vm1.merged`);
    utimesSync(`${folder}/vm1.merged`, 1e9, 1e9);
    expect(ask({ ask: "over", image }).over?.sort()).toEqual([`${folder}/vm1 beside`, `${folder}/vm1.S`]);
    rmSync(folder, { recursive: true });
  });

  test("the last free port of some waits for one call, and then no more", async () => {
    const ports = { ask: "listen", first: 47610, last: 47619 } as const;
    const { port = 0 } = ask(ports);
    expect(port).toBeGreaterThan(47610);
    const call = () =>
      new Promise<string>((resolve) => {
        const socket = connect(port, "127.0.0.1", () => socket.end());
        socket.on("close", (failed) => resolve(failed ? "refused" : "through"));
        socket.on("error", () => {});
      });
    // Taken: the next one is another.
    const { port: other = 0 } = ask(ports);
    expect(other).toBeLessThan(port);
    expect(await call()).toBe("through");
    expect(await call()).toBe("refused");
    await new Promise<void>((resolve) =>
      connect(other, "127.0.0.1")
        .end()
        .on("close", () => resolve()),
    );
  });
});
