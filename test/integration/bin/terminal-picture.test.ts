// A terminal session is recorded for real, replayed, and drawn as text.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { parseHTML } from "linkedom";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { castOf, joined, parseCast, readScript } from "../../../bin/pictures/recording.ts";
import { type Pacing, screensOf } from "../../../bin/pictures/screens.ts";
import { terminalSvg } from "../../../bin/pictures/terminal-svg.ts";

const asItWas: Pacing = { speed: 1, longestPauseMs: Number.POSITIVE_INFINITY, everyMs: 0 };
const session = (...events: [number, string][]) => ({
  columns: 20,
  rows: 3,
  events: events.map(([atMs, text]) => ({ atMs, text })),
});
const textsOf = async (recording: ReturnType<typeof session>, pacing = asItWas) =>
  (await screensOf(recording, pacing)).map(({ atMs, lines }) => [
    atMs,
    lines.map((spans) => spans.map(({ text }) => text).join("|")),
  ]);

describe("what script recorded", () => {
  it("has the pieces at their times, without the lines around them", () => {
    const output = Buffer.from("Script started on a day\none\r\ntwo\nScript done on a day\n");
    expect(readScript(output, "0.5 5\n1.25 4\n")).toEqual([
      { atMs: 500, text: "one\r\n" },
      { atMs: 1750, text: "two\n" },
    ]);
  });

  it("keeps a character whole that was written in two pieces", () => {
    const output = Buffer.from("head\n→x\n");
    const pieces = readScript(output, "0 2\n0 3\n");
    expect(pieces.map(({ text }) => text)).toEqual(["", "→x\n"]);
  });

  it("has in one piece what came almost at once", () => {
    const { events } = session([0, "a"], [30, "b"], [60, "c"], [200, "d"]);
    expect(joined(events, 50)).toEqual(session([0, "ab"], [60, "c"], [200, "d"]).events);
  });

  it("comes back the same from an asciicast", () => {
    const recording = session([13, "\u001b[32m$\u001b[0m a\r\n"], [1418, "→ b"]);
    expect(parseCast(castOf(recording))).toEqual(recording);
    expect(() => parseCast('{"version":1}')).toThrow("version 2");
  });
});

describe("the screens of a session", () => {
  it("are what a terminal shows: lines that are written over, cleared and scrolled away", async () => {
    const recording = session([0, "10 %"], [100, "\r20 %"], [200, "\r\u001b[Kdone\r\n1\r\n2\r\n3"]);
    expect(await textsOf(recording)).toEqual([
      [0, ["10 %", "", ""]],
      [100, ["20 %", "", ""]],
      [200, ["1", "2", "3"]],
    ]);
  });

  it("come faster, with long pauses made short", async () => {
    const recording = session([0, "a"], [400, "b"], [60_400, "c"]);
    const times = await textsOf(recording, { speed: 4, longestPauseMs: 2000, everyMs: 0 });
    expect(times.map(([atMs]) => atMs)).toEqual([0, 100, 600]);
  });

  it("are as many as can be seen, and end with the end of the session", async () => {
    const recording = session([0, "a"], [10, "b"], [20, "c"], [300, "d"], [310, "e"]);
    expect(await textsOf(recording, { ...asItWas, everyMs: 250 })).toEqual([
      [0, ["a", "", ""]],
      [250, ["abc", "", ""]],
      [500, ["abcde", "", ""]],
    ]);
  });

  it("have their colours, and the columns that characters take", async () => {
    const text = "漢\u001b[1;31mred\u001b[0m \u001b[7mx\u001b[0m  a  b ";
    const [shown] = await screensOf(session([0, text]), asItWas);
    expect(shown?.lines[0]).toMatchObject([
      { column: 0, width: 2, text: "漢", isBold: false },
      { column: 2, width: 3, text: "red", isBold: true, color: "#ff7b72" },
      { column: 6, width: 1, text: "x", color: "#0d1117", background: "#e6edf3" },
      { column: 9, width: 4, text: "a  b" },
    ]);
  });
});

describe("the picture", () => {
  it("has each screen's text, a line that stays only once, and moves from screen to screen", async () => {
    const recording = session([0, "first <1>\r\n"], [1000, "second & last"]);
    const svg = terminalSvg(await screensOf(recording, asItWas), recording.columns, "a title", 3000);
    const { document } = parseHTML(svg);
    expect([...document.querySelectorAll("text")].map((text) => text.textContent)).toEqual([
      "first <1>",
      "second & last",
    ]);
    expect(document.querySelectorAll(".film > g").length).toBe(2);
    expect(svg).toContain("25.000%{transform:translateX(-160px)}");
    expect(svg).toContain("animation:film 4.00s");
  });
});

describe("npm run picture:terminal", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "terminal-picture-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const run = (...args: string[]) =>
    execa(
      process.execPath,
      ["bin/pictures/terminal.ts", "--cast", join(folder, "cast"), "--svg", join(folder, "svg"), ...args],
      { reject: false, stdin: "ignore" },
    );

  it("runs commands in a terminal, records them, and draws what they showed", async () => {
    const { exitCode, stderr } = await run("--record", "test -t 1 && stty size", "echo 'it''s → here'");
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    const { columns, rows, events } = parseCast(await readFile(join(folder, "cast"), "utf8"));
    expect(events.map(({ text }) => text).join("")).toContain(`${rows} ${columns}\r\n`);
    const { document } = parseHTML(await readFile(join(folder, "svg"), "utf8"));
    const texts = [...document.querySelectorAll("text")].map((text) => text.textContent);
    expect(texts).toEqual(expect.arrayContaining([`${rows} ${columns}`, "its → here"]));
  });

  it("writes nothing of a session in which a command failed", async () => {
    const before = await readFile(join(folder, "cast"), "utf8");
    const { exitCode, stderr } = await run("--record", "exit 3", "echo never");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("ended with 3");
    expect(await readFile(join(folder, "cast"), "utf8")).toBe(before);
  });

  it("says how a recording is made where there is none", async () => {
    const { exitCode, stderr } = await run("--cast", join(folder, "none"));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/none.*--record/);
  });

  it("takes no speed that is none", async () => {
    const { exitCode, stderr } = await run("--speed", "fast");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("--speed fast");
  });

  it("runs no command that was given without --record", async () => {
    const { exitCode, stderr } = await run("echo never");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("--record");
  });
});
