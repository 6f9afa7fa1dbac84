import { describe, expect, test } from "vitest";
import { parseDirtyRate } from "../../../libvirt/dirty-rate.ts";
import { parseAddress } from "../../../libvirt/guest-address.ts";
import { JobEvents } from "../../../libvirt/job-event.ts";
import { parseJobInfo } from "../../../libvirt/job-info.ts";
import { readMigrationError } from "../../../libvirt/migration-error.ts";
import { parseMonitorEvent } from "../../../libvirt/monitor-event.ts";
import { memorySentAt, parseTrace } from "../../../libvirt/qemu-trace.ts";
import { parseSighting } from "../../../libvirt/sighting.ts";
import { parseVersions } from "../../../libvirt/versions.ts";
import { withoutAbsent } from "../../../libvirt/without-absent.ts";
import { parseLinkRate } from "../../../migration/choosing/link-rate.ts";

describe("why a migration failed, as QEMU says", () => {
  const answer = (more: object) =>
    JSON.stringify({ return: { status: "failed", ...more }, id: "libvirt-442" });

  test("is its own text, or nothing", () => {
    const why = "Certificate does not match the hostname 10.77.31.12";
    expect(readMigrationError(`${answer({ "error-desc": why })}\n`)).toBe(why);
    for (const printed of [answer({}), answer({ "error-desc": "" }), "", "error: Domain not found", "null"])
      expect(readMigrationError(printed)).toBeUndefined();
  });
});

describe("what virsh domjobinfo prints", () => {
  test("the first moments of a migration have no figures", () => {
    const printed =
      "Job type:         Unbounded   \nOperation:        Outgoing migration\nTime elapsed:     58           ms\n\n";
    expect(parseJobInfo(printed)).toEqual({ operation: "Outgoing migration", elapsedMs: 58 });
  });

  test("a running pass", () => {
    const printed = `Job type:         Unbounded   
Operation:        Outgoing migration
Time elapsed:     2426         ms
Data processed:   46.364 MiB
Data remaining:   473.805 MiB
Data total:       528.820 MiB
Memory processed: 46.364 MiB
Memory remaining: 473.805 MiB
Memory total:     528.820 MiB
Memory bandwidth: 91.930 MiB/s
Dirty rate:       0            pages/s
Page size:        4096         bytes
Iteration:        1           
Postcopy requests: 0           
Constant pages:   2242        
Normal pages:     11841       
Normal data:      46.254 MiB
Expected downtime: 300          ms
Setup time:       4            ms
`;
    expect(parseJobInfo(printed)).toEqual({
      operation: "Outgoing migration",
      elapsedMs: 2426,
      downtimeMs: 300,
      transferredMiB: 46.364,
      remainingMiB: 473.805,
      bandwidthMiBps: 91.93,
      dirtyPagesPerSecond: 0,
      iteration: 1,
    });
  });

  test("a disk that is copied along, before memory is sent", () => {
    const printed = `Job type:         Unbounded   
Operation:        Outgoing migration
Time elapsed:     2142         ms
Data processed:   7.562 MiB
Data remaining:   216.000 MiB
Data total:       223.562 MiB
File processed:   7.562 MiB
File remaining:   216.000 MiB
File total:       223.562 MiB
`;
    expect(parseJobInfo(printed)).toEqual({
      operation: "Outgoing migration",
      elapsedMs: 2142,
      storageRemainingMiB: 216,
    });
  });

  test("a completed migration, with both clocks' downtime and one clock's", () => {
    const printed = `Job type:         Completed   
Operation:        Incoming migration
Time elapsed:     1502         ms
Time elapsed w/o network: 1498         ms
Data processed:   1.017 GiB
Data remaining:   0.000 B
Data total:       2.016 GiB
Memory processed: 1.017 GiB
Memory remaining: 0.000 B
Memory total:     2.016 GiB
Memory bandwidth: 771.584 KiB/s
Dirty rate:       4932         pages/s
Page size:        4096         bytes
Iteration:        4           
Total downtime:   152          ms
Downtime w/o network: 148          ms
Setup time:       9            ms
Auto converge throttle: 20           
`;
    expect(parseJobInfo(printed)).toEqual({
      operation: "Incoming migration",
      elapsedMs: 1502,
      downtimeMs: 152,
      downtimeWithoutNetworkMs: 148,
      transferredMiB: 1.017 * 1024,
      remainingMiB: 0,
      bandwidthMiBps: 771.584 / 1024,
      dirtyPagesPerSecond: 4932,
      iteration: 4,
      throttlePercent: 20,
    });
  });

  test("no job", () => {
    expect(parseJobInfo("Job type:         None        \n\n")).toEqual({});
    expect(parseJobInfo("")).toEqual({});
  });

  test("keys without a value are left out", () => {
    expect(withoutAbsent({ a: 0, b: undefined, c: "", d: false })).toEqual({ a: 0, c: "", d: false });
  });
});

describe("what virsh event prints of jobs that ended", () => {
  /** A post-copy after 30 s of pre-copy, at 16 MiB/s. */
  const printed = (guest: string) => `event 'job-completed' for domain '${guest}':
\toperation: 5
\ttime_elapsed: 44986
\ttime_elapsed_net: 44981
\tdowntime: 22
\tdowntime_net: 17
\tsetup_time: 9
\tdata_total: 537665536
\tdata_processed: 758179747
\tdata_remaining: 0
\tmemory_total: 537665536
\tmemory_processed: 758179747
\tmemory_remaining: 0
\tmemory_bps: 17166204
\tmemory_constant: 21913
\tmemory_normal: 184484
\tmemory_normal_bytes: 755646464
\tmemory_dirty_rate: 0
\tmemory_iteration: 3
\tmemory_postcopy_requests: 427
\tmemory_page_size: 4096
\tdisk_total: 0
\tdisk_processed: 0
\tdisk_remaining: 0`;
  const hear = (text: string) => {
    const events = new JobEvents("vm1");
    for (const line of text.split("\n")) events.hear(line);
    return events.last;
  };

  test("are the figures of the guest's own job", () => {
    expect(hear(printed("vm1"))).toEqual({
      elapsedMs: 44986,
      downtimeMs: 22,
      transferredMiB: 758179747 / 1048576,
      remainingMiB: 0,
      bandwidthMiBps: 17166204 / 1048576,
      dirtyPagesPerSecond: 0,
      iteration: 3,
    });
  });

  test("are not another guest's, whose job ended before or after", () => {
    const other = printed("vm10").replaceAll("758179747", "1");
    expect(hear(other)).toBeUndefined();
    const ours = hear(printed("vm1"));
    expect(hear(`${other}\n${printed("vm1")}`)).toEqual(ours);
    expect(hear(`${printed("vm1")}\n${other}`)).toEqual(ours);
  });

  test("are those of the last job", () => {
    const before = printed("vm1").replace(
      "memory_iteration: 3",
      "memory_iteration: 9\n\tauto_converge_throttle: 40",
    );
    expect(hear(`${before}\n${printed("vm1")}`)).toEqual(hear(printed("vm1")));
    expect(hear(before)).toMatchObject({ iteration: 9, throttlePercent: 40 });
  });
});

describe("what virsh domstats prints of a dirty rate", () => {
  const printed = (lines: string) => `Domain: 'vm1'
  dirtyrate.calc_status=${lines}
  dirtyrate.calc_period=1
  dirtyrate.calc_mode=page-sampling
`;

  test("is nothing while it is measured", () => {
    expect(parseDirtyRate(printed("1\n  dirtyrate.calc_start_time=1795407720"))).toBeUndefined();
    // Of an earlier measurement.
    expect(parseDirtyRate(`${printed("1")}  dirtyrate.megabytes_per_second=22\n`)).toBeUndefined();
    expect(parseDirtyRate("")).toBeUndefined();
  });

  test("is MiB/s when it was", () => {
    expect(parseDirtyRate(`${printed("2")}  dirtyrate.megabytes_per_second=22\n\n`)).toBe(22);
    expect(parseDirtyRate(`${printed("2")}  dirtyrate.megabytes_per_second=0\n`)).toBe(0);
  });
});

describe("what a second of zeros says of a link", () => {
  test("is what arrived, over the time until it had", () => {
    const printed = `1795410180.535185 1795410181.540470 4327+0 records in
4327+0 records out
1134297088 bytes (1.1 GB, 1.1 GiB) copied, 0.998553 s, 1.1 GB/s`;
    expect(parseLinkRate(printed)).toBeCloseTo(1134297088 / 1048576 / 1.005285, 3);
  });

  test("is nothing when the connection was not made", () => {
    for (const printed of [
      "",
      "1795410180.5 1795410181.5 ",
      "dd: error writing 'standard output': Broken pipe",
    ]) {
      expect(parseLinkRate(printed)).toBeUndefined();
    }
  });
});

describe("what virsh qemu-monitor-event prints", () => {
  const at = (line: string) => parseMonitorEvent(line);

  test("an event with data", () => {
    expect(at(`event MIGRATION at 1795380520.086449 for domain 'vm1': {"status":"setup"}`)).toEqual({
      event: "MIGRATION",
      guest: "vm1",
      atEpochSeconds: 1795380520.086449,
      data: { status: "setup" },
    });
    expect(at(`event MIGRATION_PASS at 1795380522.128197 for domain 'vm1': {"pass":2}`)?.data).toEqual({
      pass: 2,
    });
  });

  test("an event without data", () => {
    expect(at("event STOP at 1795380522.265327 for domain 'vm1': <null>")).toEqual({
      event: "STOP",
      guest: "vm1",
      atEpochSeconds: 1795380522.265327,
      data: {},
    });
    expect(at("event RESUME at 1795380522.410244 for domain 'vm1': <null>")?.event).toBe("RESUME");
  });

  test("data with braces and quotes in it", () => {
    const line = `event JOB at 1.000001 for domain 'vm1': {"a":{"b":"} 'x': {"},"c":[1]}`;
    expect(at(line)?.data).toEqual({ a: { b: "} 'x': {" }, c: [1] });
  });

  test("guests with colons, quotes and blanks in their names", () => {
    for (const guest of ["a: b", "it's", "web server 1"]) {
      expect(at(`event STOP at 1.5 for domain '${guest}': <null>`)?.guest).toBe(guest);
      expect(at(`event MIGRATION at 1.5 for domain '${guest}': {"status":"active"}`)).toMatchObject({
        guest,
        data: { status: "active" },
      });
    }
  });

  test("lines of other kinds are passed over", () => {
    for (const line of [
      "",
      "events received: 3",
      "error: Disconnected from qemu:///system due to end of file",
      "event 'migration-iteration' for domain 'vm1': iteration: '1'",
      "2026-11-22 21:11:39.478+0000: event STOP for domain 'vm1': <null>",
    ]) {
      expect(at(line), line).toBeUndefined();
    }
  });
});

describe("what QEMU traces into its log", () => {
  test("of QEMU 7.2, among other lines", () => {
    const log = `2026-11-22 21:08:40.001+0000: starting up libvirt version: 9.0.0
LC_ALL=C \\
/usr/bin/qemu-system-x86_64 -name guest=vm1,debug-threads=on
char device redirected to /dev/pts/0 (label charserial0)
316@1795380520.090886:migrate_pending pending size 554508288 max 0 (pre = 554508288 compat=0 post=0)
316@1795380522.128177:migration_bitmap_sync_end dirty_pages 4932
316@1795380522.353024:savevm_section_end ram, section_id 3 -> 0
316@1795380522.356724:savevm_section_end 0000:00:02.3:00.0/virtio-blk, section_id 59 -> 0
2026-11-22 21:08:42.500+0000: shutting down, reason=migrated
`;
    expect(parseTrace(log)).toEqual([
      {
        event: "migrate_pending",
        atEpochSeconds: 1795380520.090886,
        text: "pending size 554508288 max 0 (pre = 554508288 compat=0 post=0)",
      },
      {
        event: "migration_bitmap_sync_end",
        atEpochSeconds: 1795380522.128177,
        text: "dirty_pages 4932",
      },
      {
        event: "savevm_section_end",
        atEpochSeconds: 1795380522.353024,
        text: "ram, section_id 3 -> 0",
      },
      {
        event: "savevm_section_end",
        atEpochSeconds: 1795380522.356724,
        text: "0000:00:02.3:00.0/virtio-blk, section_id 59 -> 0",
      },
    ]);
  });

  test("of QEMU 10.0", () => {
    const log = `1186@1795381900.435546:migration_bitmap_sync_end dirty_pages 0
1186@1795381900.435696:migrate_pending_estimate estimate pending size 554508288 (pre = 554508288 post=0)
1186@1795381900.541237:migrate_transferred transferred 66011489 time_spent 108 bandwidth 611217 switchover_bw 0 max_size 183365247
1186@1795381901.129854:migrate_pending_exact exact pending size 24977408 (pre = 24977408 post=0)
`;
    expect(parseTrace(log).map(({ event, atEpochSeconds }) => [event, atEpochSeconds])).toEqual([
      ["migration_bitmap_sync_end", 1795381900.435546],
      ["migrate_pending_estimate", 1795381900.435696],
      ["migrate_transferred", 1795381900.541237],
      ["migrate_pending_exact", 1795381901.129854],
    ]);
  });

  test("memory has been sent when the last of several sections of RAM ends, whatever comes after", () => {
    const section = (atEpochSeconds: number, text: string) => ({
      event: "savevm_section_end",
      atEpochSeconds,
      text,
    });
    const trace = [
      section(1, "ram, section_id 2 -> 0"),
      section(2, "ram, section_id 2 -> 1"),
      section(3, "ramfb, section_id 9 -> 0"),
      section(4, "cpu, section_id 5 -> 0"),
      { event: "migration_bitmap_sync_end", atEpochSeconds: 5, text: "ram" },
    ];
    expect(memorySentAt(trace)).toBe(2);
    expect(memorySentAt([])).toBeUndefined();
  });
});

describe("what a host says of a guest", () => {
  const uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f";
  const dominfo = (persistent: "yes" | "no") => `Id:             1
Name:           vm1
UUID:           6695eb01-f6a4-8304-79aa-97f2502e193f
OS Type:        hvm
State:          running
CPU(s):         2
CPU time:       11.3s
Max memory:     524288 KiB
Used memory:    524288 KiB
Persistent:     ${persistent}
Autostart:      disable
Managed save:   no
Security model: none
Security DOI:   0
`;
  const printed = (state: string, job = "", persistent: "yes" | "no" = "yes") =>
    `${state}\n\n====\n${dominfo(persistent)}\n====\n${job}\n====\n${uuid}\n1b7159b2-c702-5eb0-be68-43576be5849d\n`;
  const sighted = (state: string, job?: string, persistent?: "yes" | "no") =>
    parseSighting("host1", uuid, printed(state, job, persistent));

  test.each([
    ["running (booted)", "running", "booted"],
    ["running (migrated)", "running", "migrated"],
    ["idle", "running", ""],
    ["paused (user)", "paused", "user"],
    ["paused (migrating)", "paused", "migrating"],
    ["paused (starting up)", "paused", "starting up"],
    ["pmsuspended (unknown)", "paused", "unknown"],
    ["in shutdown (user)", "stopping", "user"],
    ["shut off (destroyed)", "inactive", "destroyed"],
    ["shut off (saved)", "inactive", "saved"],
    ["shut off (crashed)", "inactive", "crashed"],
    ["crashed (panicked)", "crashed", "panicked"],
  ])("%s", (text, state, reason) => {
    expect(sighted(text)).toEqual({ host: "host1", state, reason, persistent: true });
  });

  test("a guest that only runs, without a definition that stays", () => {
    expect(sighted("paused (migrating)", "", "no")?.persistent).toBe(false);
  });

  test("a job works on it", () => {
    const job =
      "Job type:         Unbounded   \nOperation:        Outgoing migration\nTime elapsed:     58   ms\n";
    expect(sighted("running (booted)", job)?.job).toBe("Outgoing migration");
  });

  test("no job works on it", () => {
    expect(sighted("running (booted)", "Job type:         None        \n")).not.toHaveProperty("job");
  });

  test("a host that does not list the guest does not have it, whatever it said before", () => {
    const absent = { host: "host2", state: "absent", reason: "", persistent: false };
    expect(parseSighting("host2", uuid, "====\n====\n====\n")).toEqual(absent);
    const left = printed("running (booted)").replace(uuid, "").replace(`${uuid}\n1b`, "1b");
    expect(parseSighting("host2", uuid, left)).toEqual(absent);
  });

  test("a guest that is listed and of which nothing was said is not judged", () => {
    expect(parseSighting("host2", uuid, `====\n====\n====\n${uuid}\n`)).toBeUndefined();
  });

  test("without a list there is no verdict", () => {
    expect(() => parseSighting("host2", uuid, "")).toThrow("Host host2 says nothing about its guests");
  });

  test.each(["no state", "laufend (gestartet)", "error: failed to connect"])(
    "%s is no state this program knows, and nothing is guessed",
    (state) => {
      expect(() => sighted(state)).toThrow(`Host host1 says a guest is "${state}"`);
    },
  );
});

describe("what runs on a host", () => {
  test("virsh version --daemon and uname -r", () => {
    const printed = `Compiled against library: libvirt 9.0.0
Using library: libvirt 9.0.0
Using API: QEMU 9.0.0
Running hypervisor: QEMU 7.2.22
Running against daemon: 9.0.0
6.1.0-41-amd64
`;
    expect(parseVersions(printed)).toEqual({ qemu: "7.2.22", libvirt: "9.0.0", kernel: "6.1.0-41-amd64" });
  });

  test("what is not said is unknown", () => {
    expect(parseVersions("Using library: libvirt 9.0.0\n6.8.0")).toEqual({
      qemu: "unknown",
      libvirt: "unknown",
      kernel: "6.8.0",
    });
  });
});

describe("what libvirt knows of a guest's address", () => {
  // virsh 9.0.0, qemu-guest-agent 7.2 in Debian 12.
  const byAgent = ` lo         00:00:00:00:00:00    ipv4         127.0.0.1/8
 -          -                    ipv6         ::1/128
 eth0       52:54:00:11:cc:12    ipv4         10.77.41.101/24
 -          -                    ipv6         fe80::5054:ff:fe11:cc12/64
`;

  test("is the first IPv4 address at which others reach it", () => {
    expect(parseAddress(byAgent)).toBe("10.77.41.101");
  });

  test("is none while it has none", () => {
    const booting = byAgent.replace("10.77.41.101/24", "169.254.7.9/16");
    expect(parseAddress(booting)).toBeUndefined();
    expect(parseAddress("")).toBeUndefined();
  });
});
