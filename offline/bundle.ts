// Makes one executable file of a plugin written for Node, with all that it imports in it.
import { chmodSync } from "node:fs";
import { rolldown } from "rolldown";

/** Bundles `entry` into `out`; it needs a `node` on PATH, and nothing else. */
export async function bundle(entry: string, out: string): Promise<void> {
  const bundled = await rolldown({
    input: entry,
    platform: "node",
    // ssh2's native helpers are optional: where they are missing it does without.
    external: [/\.node$/, "cpu-features"],
    checks: { eval: false }, // google-protobuf looks for its global object that way
  });
  // CommonJS: a file without a name's ending is taken for that by every Node.
  await bundled.write({ file: out, format: "cjs", codeSplitting: false, banner: "#!/usr/bin/env node" });
  await bundled.close();
  chmodSync(out, 0o755);
}
