/**
 * Brings an image to this machine and prints what it is as JSON; progress goes to stderr.
 *
 *   node images/cli.ts SOURCE [--sha256 SUM] [--with PROGRAM ...] [--check]
 */
import { parseArgs } from "node:util";
import { ImageError } from "./image.ts";
import { programSet } from "./programs.ts";
import { checkImage, resolveImage, surroundings } from "./resolve.ts";

const { values, positionals } = parseArgs({
  options: {
    sha256: { type: "string" },
    with: { type: "string", multiple: true, default: [] },
    check: { type: "boolean" },
  },
  allowPositionals: true,
});
const [source, ...rest] = positionals;
if (!source || rest.length > 0) {
  console.error("usage: node images/cli.ts SOURCE [--sha256 SUM] [--with PROGRAM ...] [--check]");
  process.exit(2);
}

const programs = programSet(values.with);
try {
  if (values.check) {
    const problems = await checkImage(source, values.sha256, surroundings(), programs);
    for (const problem of problems) console.error(problem);
    process.exitCode = problems.length > 0 ? 1 : 0;
  } else {
    console.log(JSON.stringify(await resolveImage(source, values.sha256, surroundings(), programs)));
  }
} catch (error) {
  if (!(error instanceof ImageError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
