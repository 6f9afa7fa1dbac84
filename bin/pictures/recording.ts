import { StringDecoder } from "node:string_decoder";

/** A terminal session: what was written to the screen, and when. */
export interface Recording {
  columns: number;
  rows: number;
  events: readonly Written[];
}

export interface Written {
  atMs: number;
  text: string;
}

/**
 * What `script` recorded (util-linux, its classic format).
 *
 * @param output the session's bytes, with a line before them and one after them that are not of the session
 * @param timing a line a piece: seconds since the one before, and its length in bytes
 */
export function readScript(output: Buffer, timing: string): Written[] {
  const decoder = new StringDecoder("utf8");
  let at = output.indexOf("\n") + 1;
  let atMs = 0;
  return timing
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [seconds, length] = line.split(" ").map(Number) as [number, number];
      atMs += seconds * 1000;
      // A piece may end in the middle of a character.
      const text = decoder.write(output.subarray(at, at + length));
      at += length;
      return { atMs, text };
    });
}

/** Pieces that came within so short a time of one another that nobody sees them apart, as one. */
export function joined(events: readonly Written[], withinMs: number): Written[] {
  const found: Written[] = [];
  for (const { atMs, text } of events) {
    const last = found.at(-1);
    if (last && atMs - last.atMs < withinMs) last.text += text;
    else found.push({ atMs, text });
  }
  return found;
}

/** In the format of asciinema's players: https://docs.asciinema.org/manual/asciicast/v2/ */
export function castOf({ columns, rows, events }: Recording): string {
  const lines = [
    { version: 2, width: columns, height: rows },
    ...events.map(({ atMs, text }) => [Math.round(atMs) / 1000, "o", text]),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

export function parseCast(text: string): Recording {
  const [head, ...events] = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  if (head?.version !== 2) throw new Error("this is no recording in asciicast's version 2");
  return {
    columns: head.width,
    rows: head.height,
    events: (events as [number, string, string][])
      .filter(([, kind]) => kind === "o")
      .map(([seconds, , text]) => ({ atMs: seconds * 1000, text })),
  };
}
