import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadQuestion, parseLoad, samplerVariables } from "../../../hosts/load.ts";
import { hasSandbox, runOnSandbox, type Sandbox } from "../helpers/host-sandbox.ts";

// What Debian 12 says (libvirt 9.0) on a container host, whose guests have no control groups: so it does not count their CPU time. vm1 was in
// the middle of a migration.
const recorded = readFileSync(join(import.meta.dirname, "recordings", "bookworm.domstats.txt"), "utf8");
const [vm2, vm1] = ["0c3ad37b-f0be-5016-ba2e-cdc2e6f12748", "6a7d72ed-31e4-5979-bd23-236e0f1ce6a4"];
/** As virsh's manual has it, on a host where they have some. */
const counted = recorded.replace(
  "  cpu.cache",
  "  cpu.time=1234567890123\n  cpu.user=2000\n  cpu.system=3\n  cpu.cache",
);

const folder = "/var/lib/kvm-migration-testbed/load";
const unit = "/etc/systemd/system/kvm-migration-testbed-load-sampler";
/** What the timer would start. */
const sample = `$(sed -n 's/^ExecStart=//p' ${unit}.service)`;

const load = (
  { said = recorded, after = ":", before = ":", programs = {} }: Sandbox & { said?: string },
  actions?: readonly ("apply" | "remove")[],
) =>
  runOnSandbox(
    "load",
    samplerVariables(),
    {
      before: `cat > /run/said <<'SAID'\n${said}SAID\nmkdir -p /run/libvirt/qemu; echo $$ > /run/libvirt/qemu/vm1.pid; ${before}`,
      after,
      programs: {
        virsh: 'echo "$*" >> /run/asked; cat /run/said',
        systemctl: 'echo "$*" >> /run/systemd-asked; [ "$1" != show ] || echo',
        "systemd-detect-virt": "exit 1",
        ...programs,
      },
    },
    actions,
  );

/** What a host then answers, of a time that all of it is in. */
const answered = (after: string, sandbox: Parameters<typeof load>[0] = {}, windowMinutes = 60) => {
  const { stdout, stderr, status } = load({ ...sandbox, after: `${after}\n${loadQuestion(windowMinutes)}` });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  const answer = parseLoad(stdout);
  if (answer === undefined) throw new Error(`no answer: ${stdout}`);
  return answer;
};

describe.runIf(hasSandbox("awk"))("a host that takes samples", () => {
  test("has a timer of ours, which is started; a second run changes nothing", () => {
    const { stdout, stderr } = load({ after: `cat /run/systemd-asked ${unit}.timer ${unit}.service` }, [
      "apply",
      "apply",
    ]);
    expect(stderr).toBe("");
    expect(stdout.match(/daemon-reload/g)).toHaveLength(1);
    expect(stdout).toContain("enable --now kvm-migration-testbed-load-sampler.timer");
    expect(stdout.match(/# Written by kvm-migration-testbed\./g)).toHaveLength(2);
    expect(stdout).toContain("OnUnitActiveSec=60\nAccuracySec=1\n");
  });

  test("leaves with all it wrote, also when it is told twice, and nothing else does", () => {
    const look = `find /etc/systemd/system /var/lib -mindepth 1; grep disable /run/systemd-asked`;
    const gone = load({ after: `${look}` }, ["apply", "remove", "remove"]);
    expect(gone.stdout).toBe("--quiet disable --now kvm-migration-testbed-load-sampler.timer\n");
    const before = "mkdir -p /var/lib/kvm-migration-testbed; touch /var/lib/kvm-migration-testbed/claim";
    expect(load({ before, after: look }, ["apply", "remove"]).stdout).toContain("testbed/claim\n");
  });

  test("asks libvirt in one go, as nobody who may change something, and does not wait for guests", () => {
    const { stdout } = load({ after: `${sample}; cat /run/asked` });
    expect(stdout).toMatch(/^--quiet --readonly --connect qemu:\/\/\/system .*--list-running --nowait\n$/);
  });

  test("takes the CPU time of guests that libvirt counts, and else of the process, which outlives a job", () => {
    const { guests } = answered(sample, { said: counted });
    expect(guests).toEqual([
      { ...guests[0], uuid: vm2, counter: "c", cpuSeconds: 1234.567890123 },
      { ...guests[1], uuid: vm1, counter: expect.stringMatching(/^p\d+$/) },
    ]);
    const [, own] = guests;
    expect(own?.cpuSeconds).toBeLessThan(60);
    // Without its process's id nothing is known of it.
    expect(answered(sample).guests.map(({ uuid }) => uuid)).toEqual([vm1]);
  });

  test("counts what the kernel counts for its process", () => {
    const burn = "for ((i = 0; i < 300000; i++)); do :; done";
    const read = `read -ra own < /proc/$$/stat; echo "ticks $((own[13] + own[14]))"`;
    const after = `${sample}; ${read}; ${burn}; ${read}; ${sample}; getconf CLK_TCK; ${loadQuestion(60)}`;
    const { stdout } = load({ after });
    const perSecond = Number(/^(\d+)$/m.exec(stdout)?.[1]);
    const [before = 0, behind = 0] = [...stdout.matchAll(/^ticks (\d+)$/gm)].map(
      ([, ticks]) => Number(ticks) / perSecond,
    );
    const [first, second] = parseLoad(stdout)?.guests ?? [];
    expect(behind).toBeGreaterThan(before);
    expect(first?.cpuSeconds).toBeLessThanOrEqual(before);
    expect(second?.cpuSeconds).toBeGreaterThanOrEqual(behind);
    expect(second?.atSeconds).toBeGreaterThan(first?.atSeconds ?? Number.NaN);
  });

  test("says how busy it was itself, as its kernel says it", () => {
    const read = `awk '$1 == "cpu" { print "stat", $2 + $3 + $4 + $7 + $8 + $9 }' /proc/stat`;
    const after = `[ -z "$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts | xargs -I{} find {} -maxdepth 1 -name cgroup.type)" ] || exit 0
${read}; ${sample}; ${read}; echo "ticks $(getconf CLK_TCK)"; ${loadQuestion(60)}`;
    const { stdout } = load({ after });
    // A container of its own has another measure.
    if (stdout === "") return;
    const ticks = Number(/^ticks (\d+)$/m.exec(stdout)?.[1]);
    const [least, most] = [...stdout.matchAll(/^stat (\d+)$/gm)].map(([, figure]) => Number(figure) / ticks);
    const busy = parseLoad(stdout)?.host[0]?.cpuSeconds;
    expect(busy).toBeGreaterThanOrEqual(least ?? Number.NaN);
    expect(busy).toBeLessThanOrEqual(most ?? Number.NaN);
  });

  test("says nothing of its own when libvirt does not answer, since its guests' part of it is not known", () => {
    const silent: Record<string, string>[] = [{ virsh: "cat /run/said; exit 1" }, { timeout: "exit 124" }];
    for (const programs of silent) {
      expect(answered(sample, { programs })).toMatchObject({ host: [], guests: [] });
      const { stdout } = load({ programs, after: `${sample}; cat ${folder}/*` });
      expect(stdout).toMatch(/^\nhost \d+ [0-9a-f]{8} \d+ - \d+ \.\n$/);
    }
  });

  test("passes over a guest that came or went while libvirt was asked", () => {
    expect(answered(sample, { said: counted.replace(`${vm2} vm2\n`, "") }).guests).toHaveLength(1);
    expect(answered(sample, { said: `${vm2} vm2\n` })).toMatchObject({ guests: [], host: [{}] });
  });

  test("keeps a day: each hour's file is begun anew when its hour comes again", () => {
    const old = `echo old > ${folder}/$(date -u +%H); touch -d '24 hours ago' ${folder}/*`;
    const { stdout } = load({ after: `${old}; ${sample}; ${sample}; ls ${folder}; cat ${folder}/*` });
    expect(stdout).toMatch(/^\d\d\n/);
    expect(stdout).not.toContain("old");
    expect(stdout.match(/^host /gm)).toHaveLength(2);
  });
});

/** Lines as a host has them that was asked `up` seconds after its start. */
const lines = (text: string) => `read -r boot < /proc/sys/kernel/random/boot_id; boot=\${boot%%-*}
read -r up _ < /proc/uptime; up=\${up%.*}; now=$EPOCHSECONDS
ago() { echo "$((now - $1)) $boot $(((up - $1) * 1000))"; }
cat > ${folder}/07 <<LINES
${text}
LINES
`;
const guestLine = (ago: number, cpuNs: number) => `guest $(ago ${ago}) ${vm1} p7 ${cpuNs} 100 .`;

describe.runIf(hasSandbox("awk"))("a host that is asked for its samples", () => {
  test("says how many CPUs it has, and nothing more where it takes none", () => {
    expect(answered(`rm -r ${folder}`)).toEqual({
      cpus: expect.any(Number),
      everySeconds: 60,
      host: [],
      guests: [],
    });
  });

  test("leaves out what is older than the window, and times that have not come yet", () => {
    const text = [guestLine(30, 1), guestLine(599, 2), guestLine(660, 3), guestLine(-120, 4)].join("\n");
    expect(answered(lines(text), {}, 10).guests.map(({ cpuSeconds }) => cpuSeconds * 1e9)).toEqual([1, 2]);
  });

  test("goes by the time since its boot, whatever its clock did, and by the clock for an earlier boot", () => {
    const text = `guest 17 $(set -- $(ago 30); echo "$2 $3") ${vm1} p7 1 100 .
guest $((now - 90)) 12e45678 999999000 ${vm1} p7 2 100 .
guest 17 12e45679 999999000 ${vm1} p7 3 100 .
guest $((now + 9999)) 0123abcd 999999000 ${vm1} p7 4 100 .`;
    const { guests } = answered(lines(text), {}, 10);
    expect(guests.map(({ cpuSeconds, boot }) => [cpuSeconds * 1e9, boot.length])).toEqual([
      [1, 8],
      [2, 8],
    ]);
  });

  test("leaves out lines that were torn, and goes on behind them", () => {
    const torn = `guest $(ago 50) ${vm1} p7 12`;
    const before = `${lines(`${guestLine(70, 1)}\n${torn}`)}truncate -s -1 ${folder}/07`;
    const { guests } = answered(
      `${before}; [ ${folder}/07 -ef ${folder}/$(date -u +%H) ] || mv ${folder}/07 ${folder}/$(date -u +%H); ${sample}; printf '\\0\\0\\0' >> ${folder}/08`,
      { said: counted },
    );
    expect(guests.map(({ uuid }) => uuid)).toEqual([vm1, vm2, vm1]);
  });

  test("sends fewer samples of a long time, the host's and guests' of the same moments", () => {
    const day = `${lines("")}
for ((each = 0; each < 1440; each++)); do
  echo "host $((now - each * 60)) $boot $((900000000 - each * 60000)) 5 100 ."
  for guest in 1 2; do echo "guest $((now - each * 60)) $boot $((900000000 - each * 60000)) 0000000$guest-f0be-5016-ba2e-cdc2e6f12748 p1 9 - ."; done
done > ${folder}/07
read() { if [ "\${*: -1}" = rest ]; then up=900000.00; else builtin read "$@"; fi; }`;
    const all = answered(day, {}, 60);
    expect(all).toMatchObject({ everySeconds: 60 });
    expect([all.host.length, all.guests.length]).toEqual([61, 122]);
    // A long window is no reason to send less of a short time.
    const short = lines(Array.from({ length: 50 }, (_, minute) => guestLine(minute * 60, 1)).join("\n"));
    expect(answered(short, {}, 1440)).toMatchObject({ everySeconds: 60, guests: { length: 50 } });
    const thin = answered(day, {}, 1440);
    expect(thin.everySeconds).toBe(720);
    expect(thin.host.length).toBeGreaterThanOrEqual(119);
    expect(thin.host.length).toBeLessThanOrEqual(122);
    const times = (samples: readonly { atSeconds: number }[]) => new Set(samples.map((one) => one.atSeconds));
    expect(times(thin.guests)).toEqual(times(thin.host));
    expect(thin.guests).toHaveLength(2 * thin.host.length);
  });
});

test("what is no answer is none, and a line that is no sample is passed over", () => {
  expect(parseLoad("bash: awk: not found")).toBeUndefined();
  expect(parseLoad("every 60\ncpus none")).toBeUndefined();
  const line = `guest 0123abcd 1000 ${vm1} p7 1e9`;
  const more = `host 0123abcd 1000 -\nguest 0123abcd -5 ${vm1} p7 1\nguest 0123abcd 5 vm1 p7 1`;
  expect(parseLoad(`every 60\ncpus 4\n${line}\n${more}\n`)).toEqual({
    cpus: 4,
    everySeconds: 60,
    host: [],
    guests: [],
  });
});
