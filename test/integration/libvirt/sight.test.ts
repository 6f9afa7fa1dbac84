import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Sighting, sight, sightAll } from "../../../libvirt/sighting.ts";
import type { SshSession } from "../../../ssh/session.ts";

// Looking for a guest, with a virsh that does several commands as the real one: it goes on after one that fails, its exit is the last one's, and its
// echo ends no line.
const uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f";
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "testbed-sight-"));
});
afterEach(() => rm(folder, { recursive: true }));

type Look = (session: SshSession, uuid: string) => Promise<Sighting>;

/** @param answers by virsh's subcommand, as bash that prints the answer */
async function lookAt(look: Look, answers: Record<string, string>): Promise<Sighting> {
  const cases = Object.entries(answers).map(([command, script]) => `${command}) (${script}) ;;`);
  const fake = `#!/bin/bash
[ "$1 $2 $3 $LC_ALL $#" = "-q -c qemu:///system C 4" ] || exit 99
while read -r command argument; do
case "$command" in
echo) printf %s "$argument" ;;
${cases.join("\n")}
*) echo "error: unknown command: '$command'" >&2; false ;;
esac
done < <(tr ';' '\n' <<<"$4" | sed 's/^ //')
`;
  await writeFile(join(folder, "virsh"), fake);
  await chmod(join(folder, "virsh"), 0o755);
  const session = {
    target: { name: "host1" },
    run: async (_doing: string, script: string) => {
      const env = { PATH: `${folder}:${process.env.PATH}`, FOLDER: folder };
      return execa("bash", ["-c", script], { env });
    },
  };
  return look(session as unknown as SshSession, uuid);
}

const info = "echo 'Persistent:     yes'";

/** One among all guests of the host; what came while they were asked about is asked about alone. */
const amongAll: Look = async (session, uuid) => (await sightAll(session)).guest(uuid) ?? sight(session, uuid);

describe.each<[string, Look]>([
  ["alone", sight],
  ["among all guests", amongAll],
])("looked at %s,", (_, look) => {
  const sightWith = (answers: Record<string, string>) => lookAt(look, answers);

  test("a running guest with a job", async () => {
    const sighting = await sightWith({
      list: `echo 1b7159b2-c702-5eb0-be68-43576be5849d; echo ${uuid}`,
      domstate: "echo 'running (booted)'; echo",
      dominfo: info,
      domjobinfo: "echo 'Job type:   Unbounded'; echo 'Operation:   Save'",
    });
    expect(sighting).toEqual({
      host: "host1",
      state: "running",
      reason: "booted",
      persistent: true,
      job: "Save",
    });
  });

  test("a guest that is off: libvirt refuses to speak of its job", async () => {
    const sighting = await sightWith({
      list: `echo ${uuid}`,
      domstate: "echo 'shut off (saved)'",
      dominfo: info,
      domjobinfo: "echo 'error: domain is not running' >&2; exit 1",
    });
    expect(sighting).toEqual({ host: "host1", state: "inactive", reason: "saved", persistent: true });
  });

  test("a host that lists only others does not have the guest", async () => {
    const sighting = await sightWith({ list: "echo 1b7159b2-c702-5eb0-be68-43576be5849d" });
    expect(sighting.state).toBe("absent");
  });

  test("a libvirtd that does not answer is an error, not an absent guest", async () => {
    await expect(sightWith({ list: "echo 'error: failed to connect' >&2; exit 1" })).rejects.toThrow(
      "failed to connect",
    );
  });

  test("a guest that leaves while it is looked at is absent", async () => {
    const sighting = await sightWith({
      domstate: "echo 'running (booted)'",
      dominfo: `echo "error: Domain not found" >&2; exit 1`,
      list: "true",
    });
    expect(sighting.state).toBe("absent");
  });

  test("a guest that comes while it is looked at is looked at again", async () => {
    const come = `[ -e "$FOLDER/come" ] || { echo "error: Domain not found" >&2; exit 1; };`;
    const sighting = await sightWith({
      domstate: `${come} echo 'paused (migrating)'`,
      dominfo: `${come} ${info}`,
      list: `touch "$FOLDER/come"; echo ${uuid}`,
    });
    expect(sighting).toMatchObject({ state: "paused", reason: "migrating" });
  });

  test("a guest that is there and cannot be asked about is an error", async () => {
    const answers = { list: `echo ${uuid}`, domstate: "echo 'error: internal error' >&2; exit 1" };
    await expect(sightWith(answers)).rejects.toThrow("internal error");
  });
});

test("all guests of a host are asked about in two processes", async () => {
  const others = ["1b7159b2-c702-5eb0-be68-43576be5849d", "04da6b54-80e4-46f7-96ec-b56ff0331ba9"];
  const sightings: (Sighting | undefined)[] = [];
  const lookAtAll: Look = async (session) => {
    const all = await sightAll(session);
    sightings.push(...[uuid, ...others].map(all.guest));
    return sight(session, uuid);
  };
  await lookAt(lookAtAll, {
    list: `echo >> "$FOLDER/calls"; echo ${uuid}; echo ${others[0]}; echo`,
    domstate: `[[ $argument == *${uuid} ]] && echo 'running (booted)' || echo 'shut off (crashed)'`,
    dominfo: info,
    domjobinfo: "echo 'Job type:   None'",
  });
  expect(sightings.map((each) => each?.state)).toEqual(["running", "inactive", "absent"]);
  // Each has the list once; the look alone, too.
  expect(await readFile(join(folder, "calls"), "utf8")).toBe("\n\n\n");
});

test("nobody is taken for absent because of an answer that was cut off", async () => {
  const run = async () => ({ stdout: "==== guest ", stderr: "", exitCode: 0 });
  const torn = { target: { name: "host1" }, run };
  await expect(sightAll(torn as unknown as SshSession)).rejects.toThrow(/looking for all guests.*host1/i);
});
