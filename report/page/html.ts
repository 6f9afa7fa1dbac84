import { visibleLines } from "../text/visible.ts";

/** Text that is HTML already. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | undefined | false | readonly Part[];

/** A tagged template: whatever is put in is escaped, unless it is HTML already. Absent parts are nothing. */
export const html = (strings: TemplateStringsArray, ...parts: Part[]): Html =>
  new Html(strings.reduce((text, string, index) => `${text}${textOf(parts[index - 1])}${string}`));

export const raw = (text: string): Html => new Html(text);

function textOf(part: Part): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(textOf).join("");
  return escaped(`${part}`);
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
export const escaped = (text: string): string =>
  visibleLines(text).replaceAll(/[&<>"']/g, (letter) => entities[letter] as string);

/** JSON inside a script element: nothing in it can end that, or begin a comment. */
export const embedded = (value: unknown): Html => raw(JSON.stringify(value).replaceAll("<", "\\u003c"));
