import { expect, test } from "vitest";
import { hasSandbox, runOnSandbox } from "./host-sandbox.ts";

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
