import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { execa } from "execa";
import { castOf, joined, parseCast, readScript } from "./recording.ts";
import { screensOf } from "./screens.ts";
import { terminalSvg } from "./terminal-svg.ts";

const help = `Usage: npm run picture:terminal [-- options] [COMMAND ...]

Draws a recorded terminal session as an SVG that plays by itself.

Options:
  --record      first runs the commands for real and records them   default: the lab, and a move
  --cast FILE   the recording, as asciinema has it; .gz: compressed  default: docs/terminal.cast.gz
  --svg FILE    the picture                                          default: docs/terminal.svg
  --speed N     how many times as fast as it was                     default: 6
  --every MS    the least time between two screens                 default: 400
  --help`;

/** What the README shows. */
const session = ["npm run lab", "npm run move -- vm1 host2"];
// As wide as the widest table of `npm run lab`.
const size = { columns: 110, rows: 32 };
const holdMs = 6000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    record: { type: "boolean", default: false },
    cast: { type: "string", default: "docs/terminal.cast.gz" },
    svg: { type: "string", default: "docs/terminal.svg" },
    speed: { type: "string", default: "6" },
    every: { type: "string", default: "400" },
    help: { type: "boolean", default: false },
  },
});

/** Runs commands in a terminal of their own, one after the other until one fails, and writes down what they showed. */
async function record(commands: readonly string[], castFile: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "terminal-"));
  const [output, timing] = [join(folder, "output"), join(folder, "timing")];
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const steps = commands.map((command) => {
    // The prompt stands a moment before the command runs, so that it can be read.
    return `printf '\\033[32m$\\033[0m %s\\n' ${quoted(command)}; sleep 1; ( ${command} ) || exit; echo`;
  });
  const program = [`stty columns ${size.columns} rows ${size.rows}`, ...steps].join("\n");
  try {
    const { exitCode } = await execa(
      "script",
      // Only output is copied; the classic format is the same in all versions since 2.35.
      ["--quiet", "--return", "--flush", "-m", "classic", "-O", output, "-T", timing, "-c", program],
      {
        // As inside of screen: Pulumi asks another terminal for its background, and would wait five seconds each time for one that is not there.
        env: { SHELL: "/bin/sh", TERM: "screen-256color" },
        stdin: "inherit",
        stdout: "inherit",
        stderr: "inherit",
        reject: false,
      },
    );
    if (exitCode !== 0)
      throw new Error(
        `a command ended with ${exitCode}, see above; nothing was written. Run this again when it works`,
      );
    const events = joined(readScript(await readFile(output), await readFile(timing, "utf8")), 50);
    const cast = castOf({ ...size, events });
    await writeFile(castFile, isCompressed(castFile) ? gzipSync(cast) : cast);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const isCompressed = (file: string): boolean => file.endsWith(".gz");

async function draw(castFile: string, svgFile: string, speed: number, everyMs: number): Promise<void> {
  const bytes = await readFile(castFile).catch((error: Error) => {
    throw new Error(`cannot read the recording (${error.message}); make one with --record`);
  });
  const recording = parseCast((isCompressed(castFile) ? gunzipSync(bytes) : bytes).toString());
  const screens = await screensOf(recording, { speed, longestPauseMs: 3000, everyMs });
  const svg = terminalSvg(screens, recording.columns, "A terminal session, as it was recorded", holdMs);
  await writeFile(svgFile, svg);
  console.log(
    `${svgFile}: ${screens.length} screens, ${(svg.length / 1024).toFixed(0)} KiB, from ${castFile}`,
  );
}

if (values.help) console.log(help);
else {
  const numberOf = (name: "speed" | "every"): number => {
    const number = Number(values[name]);
    if (number > 0 && Number.isFinite(number)) return number;
    throw new Error(`--${name} ${values[name]} is not a number above 0; give one, or leave it out`);
  };
  const commands = positionals.length > 0 ? positionals : session;
  try {
    const [speed, everyMs] = [numberOf("speed"), numberOf("every")];
    if (positionals.length > 0 && !values.record)
      throw new Error(
        "commands are run with --record alone; give that, or leave them out to draw what is recorded",
      );
    if (values.record) await record(commands, values.cast);
    await draw(values.cast, values.svg, speed, everyMs);
  } catch (error) {
    console.error(`picture of a terminal: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
