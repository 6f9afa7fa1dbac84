import headless, { type IBufferCell, type Terminal } from "@xterm/headless";
import type { Recording, Written } from "./recording.ts";

/** Text of one style in a line of the screen. */
export interface Span {
  column: number;
  /** How many columns it takes. */
  width: number;
  text: string;
  color?: string;
  background?: string;
  isBold: boolean;
  isDim: boolean;
}

/** The screen from a moment of the picture on. */
export interface Screen {
  atMs: number;
  lines: Span[][];
}

export interface Pacing {
  /** How many times as fast as the session was. */
  speed: number;
  /** A longer pause is made as short as this. */
  longestPauseMs: number;
  /** The least time between two screens, in the picture. */
  everyMs: number;
}

/** What the screen shows, a screen whenever it has changed. The last one is the session's end. */
export async function screensOf(recording: Recording, pacing: Pacing): Promise<Screen[]> {
  const { columns: cols, rows } = recording;
  const terminal = new headless.Terminal({ cols, rows, scrollback: 0, allowProposedApi: true });
  const screens: Screen[] = [];
  const events = paced(recording.events, pacing);
  let dueMs = 0;
  for (const [index, { atMs, text }] of events.entries()) {
    await new Promise<void>((written) => terminal.write(text, written));
    const nextMs = events[index + 1]?.atMs ?? Number.POSITIVE_INFINITY;
    if (nextMs < dueMs) continue;
    const lines = linesOf(terminal);
    if (JSON.stringify(lines) === JSON.stringify(screens.at(-1)?.lines)) continue;
    screens.push({ atMs: Math.max(atMs, dueMs), lines });
    dueMs = Math.max(atMs, dueMs) + pacing.everyMs;
  }
  terminal.dispose();
  return screens;
}

function paced(events: readonly Written[], { speed, longestPauseMs }: Pacing): Written[] {
  let beforeMs = events[0]?.atMs ?? 0;
  let now = 0;
  return events.map(({ atMs, text }) => {
    now += Math.min(atMs - beforeMs, longestPauseMs) / speed;
    beforeMs = atMs;
    return { atMs: now, text };
  });
}

function linesOf(terminal: Terminal): Span[][] {
  const { active } = terminal.buffer;
  return Array.from({ length: terminal.rows }, (_, row) => {
    const spans: Span[] = [];
    for (let column = 0; column < terminal.cols; column++) {
      const cell = active.getLine(active.baseY + row)?.getCell(column);
      // The second half of a wide character has no width.
      if (cell === undefined || cell.getWidth() === 0) continue;
      const [text, width, style] = [cell.getChars() || " ", cell.getWidth(), styleOf(cell)];
      const last = spans.at(-1);
      if (last && JSON.stringify(styleOfSpan(last)) === JSON.stringify(style)) {
        last.text += text;
        last.width += width;
      } else spans.push({ column, width, text, ...style });
    }
    return spans
      .filter(({ text, background }) => background !== undefined || text.trim() !== "")
      .map(trimmed);
  });
}

const styleOfSpan = ({ color, background, isBold, isDim }: Span) => ({ color, background, isBold, isDim });

/** Without blanks at its ends, which nobody sees. */
function trimmed(span: Span): Span {
  if (span.background !== undefined) return span;
  const text = span.text.trim();
  const before = span.text.length - span.text.trimStart().length;
  return {
    ...span,
    text,
    column: span.column + before,
    width: span.width - (span.text.length - text.length),
  };
}

function styleOf(cell: IBufferCell): Pick<Span, "color" | "background" | "isBold" | "isDim"> {
  const front = cell.isFgDefault() ? undefined : colorOf(cell.getFgColor(), cell.isFgRGB());
  const back = cell.isBgDefault() ? undefined : colorOf(cell.getBgColor(), cell.isBgRGB());
  const [color, background] = cell.isInverse() ? [back ?? screen, front ?? ink] : [front, back];
  return { color, background, isBold: cell.isBold() !== 0, isDim: cell.isDim() !== 0 };
}

export const [screen, ink] = ["#0d1117", "#e6edf3"];

/** A terminal's sixteen colours, to be read on the screen's. */
const sixteen = [
  ..."#6e7681 #ff7b72 #3fb950 #d29922 #58a6ff #bc8cff #39c5cf #b1bac4".split(" "),
  ..."#8b949e #ffa198 #56d364 #e3b341 #79c0ff #d2a8ff #56d4dd #f0f6fc".split(" "),
];

/** Of the 256 that a terminal has: sixteen, a cube of six levels, and greys. Or, as `isRgb`, any. */
function colorOf(code: number, isRgb: boolean): string {
  const hex = (value: number) => `#${value.toString(16).padStart(6, "0")}`;
  if (isRgb) return hex(code);
  if (code < 16) return sixteen[code] as string;
  if (code >= 232) return hex((8 + 10 * (code - 232)) * 0x010101);
  const level = (step: number) => (step === 0 ? 0 : 55 + 40 * step);
  const [red, green, blue] = [Math.floor((code - 16) / 36), Math.floor((code - 16) / 6) % 6, (code - 16) % 6];
  return hex((level(red) << 16) + (level(green) << 8) + level(blue));
}
