import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Figure } from "../figures/figure.ts";
import { escaped } from "./html.ts";

/** How wide a figure is as a file: two columns of a paper. */
const fileWidth = 640;

/** A figure as a file of its own, for papers and slides: the page's light colours, written out, since few programs know variables. */
export function svgFile({ draw, title }: Figure): string {
  const colors = lightColors();
  const svg = draw(fileWidth)
    .replaceAll(/var\((--[a-z0-9]+)\)/g, (whole, name: string) => colors.get(name) ?? whole)
    .replace(
      /^<svg([^>]*)>/,
      (_, attributes: string) =>
        `<svg${attributes} color="${colors.get("--ink")}"><title>${escaped(title)}</title>`,
    )
    .replaceAll(/ data-move="\d+"/g, "");
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg}\n`;
}

/** Those of the first rule in the page's style. */
function lightColors(): Map<string, string> {
  const style = readFileSync(join(import.meta.dirname, "style.css"), "utf8");
  const root = style.slice(0, style.indexOf("}"));
  return new Map(
    [...root.matchAll(/(--[a-z0-9]+): (#[0-9a-f]+);/g)].map(([, name, color]) => [
      name as string,
      color as string,
    ]),
  );
}
