import { expect, test } from "vitest";
import { hasSandbox, runOnSandbox } from "../helpers/host-sandbox.ts";

const uuidOf = (i: number) => `00000000-0000-4000-8000-00000000000${i}`;

/** What comes of it where libvirt has these pools, by their names. */
const check = (pools: Record<string, string>) =>
  runOnSandbox(
    "pool-free",
    { POOL: "testbed", EXPORT: "/export/testbed" },
    {
      programs: {
        virsh: `case "$*" in
# As virsh prints them: each in a column, as wide as libvirt likes.
*"pool-list --all --uuid") printf '%-37s\\n' ${Object.keys(pools)
          .map((_, i) => uuidOf(i))
          .join(" ")}; echo ;;
${Object.entries(pools)
  .map(
    ([name, path], i) =>
      `*"pool-dumpxml ${uuidOf(i)}") echo "<pool type='dir'><name>${name}</name><source><dir path='/other'/></source><target><path>${path}</path></target></pool>" ;;`,
  )
  .join("\n")}
esac`,
      },
    },
  );

test
  .runIf(hasSandbox("python3"))
  .each<Record<string, string>>([
    {},
    { default: "/var/lib/libvirt/images" },
    { testbed: "/export/testbed" },
    { testbed: "/export/testbed/", default: "/export/testbed2" },
  ])("a folder that no other pool has is fine: %j", (pools) => {
  expect(check(pools)).toMatchObject({ status: 0, stderr: "" });
});

test.runIf(hasSandbox("python3")).each<[Record<string, string>, string]>([
  [{ images: "/export/testbed" }, "pool images is on /export/testbed already"],
  [{ default: "/var/lib/libvirt/images", images: "/export/testbed/" }, "virsh pool-undefine images"],
  [{ testbed: "/srv" }, "a pool called testbed already, on /srv"],
])("another pool on it, or of its name, is named: %j", (pools, said) => {
  const { status, stderr } = check(pools);
  expect(status).toBe(1);
  expect(stderr).toContain(said);
});

/** What is said of a pool `images` that is to be there already, where libvirt has it on this path. */
const there = (path: string) =>
  runOnSandbox(
    "pool-there",
    { POOL: "images", EXPORT: "/srv/vm" },
    {
      programs: {
        virsh: `case "$*" in
*"pool-dumpxml images") ${path === "" ? "exit 1" : `echo "<pool type='dir'><target><path>${path}</path></target></pool>"`} ;;
*) echo "\${@:4}" >&2 ;;
esac`,
      },
    },
  );

test.runIf(hasSandbox("python3"))(
  "a pool that is there already is on its folder, or what to do is said",
  () => {
    expect(there("/srv/vm/")).toMatchObject({ status: 0, stderr: "" });
    expect(there("/srv/other")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(
        "libvirt's pool images is not on /srv/vm. Set storage.export to its folder",
      ),
    });
    expect(there("")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("virsh pool-define-as images dir --target /srv/vm"),
    });
  },
);

test.runIf(hasSandbox())("a host on which the folder is to be mounted already says that it is not", () => {
  const mounted = (TRANSPORT: string) => runOnSandbox("mount-there", { EXPORT: "/srv/vm", TRANSPORT }, {});
  expect(mounted("userspace")).toMatchObject({ status: 0, stderr: "" });
  expect(mounted("kernel")).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(
      "/srv/vm is to be there already (storage.existing), and nothing is mounted there",
    ),
  });
});

/** What is asked of libvirt to take away, where its pool `testbed` is on this path. */
const forgotten = (path: string, ...actions: ("apply" | "remove")[]) =>
  runOnSandbox(
    "pool-forget",
    { POOL: "testbed", EXPORT: "/export/R&D", TRANSPORT: "kernel" },
    {
      programs: {
        virsh: `case "$*" in
*pool-dumpxml*) ${path === "" ? "echo 'error: Storage pool not found' >&2; exit 1" : `echo "<pool type='dir'><source><dir path='/other'/></source><target>\n  <path>${path}</path></target></pool>"`} ;;
*) echo "\${@:4}" >&2 ;;
esac`,
      },
    },
    actions,
  );

test.runIf(hasSandbox("python3")).each(["/export/R&amp;D", "/export/R&#38;D", "/export/R&amp;D/"])(
  "a pool on the folder is forgotten, however libvirt writes its path: %s",
  (path) => {
    expect(forgotten(path, "remove")).toMatchObject({
      status: 0,
      stderr: "pool-undefine testbed\n",
    });
  },
);

test.runIf(hasSandbox("python3")).each(["", "/export/R", "/other"])(
  "a pool that is elsewhere, or not there, stays as it is: %j",
  (path) => {
    expect(forgotten(path, "remove")).toMatchObject({ status: 0, stderr: "" });
  },
);

test.runIf(hasSandbox("python3"))(
  "where the export is mounted, the pool stays until the testbed goes",
  () => {
    expect(forgotten("/export/R&amp;D", "apply")).toMatchObject({ status: 0, stderr: "" });
  },
);

test.runIf(hasSandbox("python3"))("hosts' models are given to libvirt as the elements that it reads", () => {
  const models = [
    `<mode name='host-model' supported='yes'><model fallback="forbid">EPYC</model> <feature policy='require' name='acpi'/></mode>`,
    `<mode supported='a>b' name='host-model'><model>Skylake-Client</model></mode>`,
  ];
  const { stdout, status } = runOnSandbox(
    "cpu-baseline",
    { ACCELERATOR: "tcg", HOST_MODELS: models.join("\n") },
    { programs: { virsh: "cat" } },
  );
  expect(status).toBe(0);
  expect(stdout.match(/<cpu>/g)).toHaveLength(2);
  expect(stdout).not.toMatch(/<mode\s/);
  expect(stdout).toContain('<model fallback="forbid">EPYC</model>');
});
