import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { dirname } from "node:path/posix";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureRunning, remove } from "../../domain/guest.ts";
import type { GuestRequest } from "../../domain/request.ts";
import { migrate } from "../../migration/migrate.ts";
import type { ClusterOutputs } from "../../provider/cluster-resource.ts";
import type { DomainOutputs } from "../../provider/domain-resource.ts";
import { type MigrationInputs, requestOf } from "../../provider/migration-resource.ts";
import { closeSessions } from "../../ssh/session-pool.ts";
import { TestProject } from "../lab/project.ts";
import { LabStack } from "../lab/stack.ts";

// Ten guests whose moves are asked for at the same time, each with its lock, its place in the queue and its prober, through hosts whose sshd lets in what OpenSSH's own defaults do. The guests have no system on
// their disks: what is put to the test is what the engine asks of the hosts, not what guests cost.

const stackName = "many-test";
const network = "10.77.26";
const many = 10;

let project: TestProject;
let stack: LabStack;
let guests: GuestRequest[] = [];

beforeAll(async () => {
  project = await TestProject.make();
  stack = new LabStack(project, stackName, {
    lab: { network: `${network}.0/24`, bridge: `lab-${stackName}` },
    hosts: [{ name: "host1" }, { name: "host2" }],
    guests: [{ name: "vm1", memoryMiB: 256, diskGiB: 3 }],
    placement: { vm1: "host1" },
  });
  await stack.init();
  await stack.deploy();
  // Keys are named from the project's folder, in which Pulumi runs the engine.
  process.chdir(project.folder);
  guests = await blankGuests();
});

afterAll(async () => {
  await Promise.allSettled(guests.map(({ spec, fleet }) => remove(spec, fleet, () => {})));
  await closeSessions();
  process.chdir(tmpdir());
  await stack.destroy();
  await project.remove();
});

const machines = ["storage", "host1", "host2"];

test(`${many} guests at once, over sshd with its own limits`, async () => {
  for (const machine of machines) {
    const limits = await stack.on(machine, "sshd -T | grep -E '^max(sessions|startups) '");
    expect(limits.split("\n").sort()).toEqual(["maxsessions 10", "maxstartups 10:30:100"]);
  }
  for (const guest of guests) await ensureRunning(guest, () => {});

  const example = requestOf((await outputsOf("testbed:Migration")) as unknown as MigrationInputs);
  const moved = await Promise.allSettled(
    guests.map(({ spec: { name, uuid, memoryMiB } }) =>
      migrate(
        {
          ...example,
          guest: name,
          uuid,
          to: "host2",
          options: { mode: "live", timeoutMs: 120_000 },
          conditions: { ...example.conditions, memoryMiB },
          // What answers in their place.
          address: `${network}.1`,
          concurrentPerHost: many,
          history: [],
          known: [],
        },
        () => {},
      ),
    ),
  );

  expect(moved.flatMap((each) => (each.status === "rejected" ? [String(each.reason)] : []))).toEqual([]);
  const records = moved.flatMap((each) => (each.status === "fulfilled" ? each.value.records : []));
  expect(records.map(({ outcome }) => outcome)).toEqual(Array(many).fill("completed"));
  for (const { spec } of guests)
    expect(await stack.places(spec.name)).toEqual({ host2: "running (migrated)" });
  expect(await stack.unfinished()).toEqual([]);
  // A session that is refused is one that the engine has to ask for again, if it comes to that.
  for (const machine of machines) {
    const refused = "journalctl --quiet --unit ssh | grep -cE 'no more sessions|MaxStartups' || true";
    expect(`${machine}: ${await stack.on(machine, refused)}`).toBe(`${machine}: 0`);
  }
});

/** What Pulumi knows of the stack's one resource of a kind. */
async function outputsOf(kind: string): Promise<Record<string, unknown>> {
  const { deployment } = JSON.parse(await project.ask("stack", "export", "--stack", stackName));
  return deployment.resources.find(({ type }: { type: string }) => type.endsWith(kind)).outputs;
}

/** Like the stack's guest, with little memory and an empty disk. */
async function blankGuests(): Promise<GuestRequest[]> {
  const { spec } = (await outputsOf("testbed:Domain")) as unknown as DomainOutputs;
  const { common: fleet } = (await outputsOf("testbed:Cluster")) as unknown as ClusterOutputs;
  const folder = dirname(spec.storage.overlayPath);
  const basePath = `${folder}/blank.raw`;
  await stack.on("storage", `truncate -s 1M ${basePath}`);
  const { seedPath: _, ...storage } = spec.storage;
  return Promise.all(
    Array.from({ length: many }, async (_, i) => {
      const name = `blank${i + 1}`;
      const overlayPath = `${folder}/${name}.qcow2`;
      await stack.on("storage", `qemu-img create -q -u -f qcow2 -b ${basePath} -F raw ${overlayPath} 1M`);
      return {
        fleet,
        host: "host1",
        spec: {
          ...spec,
          name,
          uuid: randomUUID(),
          memoryMiB: 64,
          mac: `52:54:00:26:00:${String(i + 10)}`,
          storage: { ...storage, overlayPath, basePath, baseFormat: "raw" as const },
        },
      };
    }),
  );
}
