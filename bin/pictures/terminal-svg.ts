import { ink, type Screen, type Span, screen } from "./screens.ts";

/** Of a character, in the picture's pixels. */
const [charWidth, lineHeight, baseline, fontSize, margin] = [8, 17, 13, 13, 14];

/**
 * Screens one after the other, as text in an SVG that moves by itself: they lie side by side on a film, which is pulled
 * through a window. Where nothing may move (the reader's wish, or a viewer without animation) it shows the last one.
 *
 * @param holdMs how long the last screen stays before it begins again
 */
export function terminalSvg(
  screens: readonly Screen[],
  columns: number,
  title: string,
  holdMs: number,
): string {
  const rows = Math.max(
    1,
    ...screens.map(({ lines }) => lines.findLastIndex((spans) => spans.length > 0) + 1),
  );
  const [width, height] = [columns * charWidth, rows * lineHeight];
  const totalMs = (screens.at(-1)?.atMs ?? 0) + holdMs;
  // A line that stays from screen to screen is written once.
  const lines = new Map<string, string>();
  const films = screens.map(({ lines: shown }, index) => {
    const uses = shown.flatMap((spans, row) => {
      if (spans.length === 0) return [];
      const text = spans.map(spanSvg).join("");
      const id = lines.get(text) ?? `l${lines.size}`;
      lines.set(text, id);
      return `<use href="#${id}" y="${row * lineHeight + baseline}"/>`;
    });
    return `<g transform="translate(${index * width})">${uses.join("")}</g>`;
  });
  const steps = screens.map(
    ({ atMs }, index) => `${((100 * atMs) / totalMs).toFixed(3)}%{transform:translateX(${-index * width}px)}`,
  );
  const lastX = -(screens.length - 1) * width;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width + 2 * margin} ${height + 2 * margin}" width="${width + 2 * margin}" height="${height + 2 * margin}" role="img" xml:space="preserve">`,
    `<title>${escaped(title)}</title>`,
    "<style>",
    `text{white-space:pre;font:${fontSize}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:${ink}}`,
    ".b{font-weight:bold}.d{opacity:.6}",
    `.film{transform:translateX(${lastX}px);animation:film ${(totalMs / 1000).toFixed(2)}s step-end infinite}`,
    "@media(prefers-reduced-motion:reduce){.film{animation:none}}",
    `@keyframes film{${steps.join("")}}`,
    "</style>",
    `<defs>${[...lines].map(([text, id]) => `<g id="${id}">${text}</g>`).join("\n")}</defs>`,
    `<rect width="100%" height="100%" rx="8" fill="${screen}"/>`,
    `<svg aria-hidden="true" x="${margin}" y="${margin}" width="${width}" height="${height}">`,
    `<g class="film">${films.join("\n")}</g>`,
    "</svg>",
    "</svg>",
    "",
  ].join("\n");
}

function spanSvg({ column, width, text, color, background, isBold, isDim }: Span): string {
  const x = column * charWidth;
  const box =
    background === undefined
      ? ""
      : `<rect x="${x}" y="${-baseline}" width="${width * charWidth}" height="${lineHeight}" fill="${background}"/>`;
  const classes = [isBold && "b", isDim && "d"].filter(Boolean).join(" ");
  // Whatever font is there, columns stay below one another.
  const attributes = [
    `x="${x}" textLength="${width * charWidth}"`,
    classes === "" ? "" : ` class="${classes}"`,
    color === undefined ? "" : ` style="fill:${color}"`,
  ];
  return `${box}<text ${attributes.join("")}>${escaped(text)}</text>`;
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
