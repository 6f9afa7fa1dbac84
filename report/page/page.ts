import { readFileSync } from "node:fs";
import { join } from "node:path";
import { resamples } from "../data/statistics.ts";
import type { Figure } from "../figures/figure.ts";
import type { Report, Section } from "../sections/report.ts";
import { count } from "../text/table-model.ts";
import { embedded, type Html, html, raw } from "./html.ts";
import { embeddedRuns, runColumns } from "./runs.ts";
import { conditionRows } from "./summary.ts";
import { tableHtml } from "./table-html.ts";

const beside = (name: string): Html => raw(readFileSync(join(import.meta.dirname, name), "utf8"));

/** How wide figures are drawn: for half of a wide window, and for a phone. Their text has the same size in both. */
const wideWidth = 580;
const narrowWidth = 340;

/** Nothing is fetched: what the page needs is in it, and the browser is told so. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/** The whole page, with its style, its script, its figures and every move. */
export function pageOf(report: Report): string {
  const { title, dataset, sections, headline, picture } = report;
  const files = dataset.sources.map(({ file }) => file);
  const all = { id: "every-move", title: "Every move" };
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${beside("style.css")}</style>
</head>
<body>
<a class="unseen skip" href="#content">To the results</a>
<header>
<div class="first">
<div id="said">
<h1>${title}</h1>
<p class="lead">${headline.moves}</p>
${headline.measuredOn !== "" && html`<p class="lead" id="measured-on">Measured on: ${headline.measuredOn}.</p>`}
<div id="says">${headline.says.map((sentence) => html`<p>${sentence}</p>`)}</div>
</div>
${picture.length > 0 && html`<div id="picture">${picture.map((figure) => figureHtml(figure, "h2"))}</div>`}
${report.warnings.length > 0 && html`<div>${report.warnings.map((warning) => html`<p class="warning" role="note"><strong>Mind:</strong> ${warning}</p>`)}</div>`}
</div>
<nav aria-label="Parts of this report"><ul>${[...sections, all].map(({ id, title: name }) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
</header>
<main id="content">
${sections.map(sectionHtml)}
<section aria-labelledby="${all.id}">
<h2 id="${all.id}">${all.title}</h2>
<p>Also those that are in no figure: warm-up, moves that did not complete, moves whose figures do not add up. The number of a move leads to all that is known of it.</p>
${allMoves(report)}
</section>
<section aria-labelledby="conditions">
<h2 id="conditions">Conditions</h2>
<p>Made of ${files.length === 1 ? "one file" : `${files.length} files`} alone: ${files.join(", ")}.</p>
<dl class="conditions">${conditionRows(dataset).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
</section>
<section aria-labelledby="computed">
<h2 id="computed">How it is computed</h2>
<p>Counted are moves that were completed and whose figures add up, without warm-up and without those in which the experiment was interrupted. The
interval beside a cell's median, and that of guests like these, is the exact one by order statistics, which assumes nothing of how times are distributed; of a slope it is the exact one by
Kendall's distribution. The interval of these guests is a percentile bootstrap of whole blocks of the run (of a cell's moves where there are no blocks), ${count(resamples)} resamples (fewer where cells have more than 25 moves) with fixed seeds: the same files give the same report.
TMT = TI + OV and TDT = DM + VS hold by construction; what does not is in the table of checks. Medians, quantiles and binomial probabilities: simple-statistics.
Figures: Observable Plot. What was not measured is absent, never zero.</p>
</section>
</main>
<div id="tip" role="tooltip" tabindex="0" hidden></div>
<div id="told" class="unseen" aria-live="polite"></div>
<script type="application/json" id="runs">${embedded(embeddedRuns(dataset.moves))}</script>
<script type="module">${beside("client.js")}</script>
</body>
</html>
`.text;
}

const sectionHtml = ({ id, title, intro, figures, tables }: Section): Html => html`
<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${intro && html`<p>${intro}</p>`}
${figures.length > 0 && html`<div class="figures">${figures.map((figure) => figureHtml(figure))}</div>`}
${tables.map((table) => tableHtml(table, { isCards: table.id === "claims" || table.id === "faults" }))}
</section>`;

function figureHtml({ id, title, caption, draw, table }: Figure, level: "h2" | "h3" = "h3"): Html {
  const name = html`id="${id}-title">${title}`;
  const wide = draw(wideWidth);
  // In a forest plot a mark is a guest: there is no record to show.
  const reached = wide.includes("data-move")
    ? html` tabindex="0" role="group" aria-label="${title}: arrow keys go from move to move"`
    : undefined;
  return html`
<figure id="${id}" aria-labelledby="${id}-title">
${level === "h2" ? html`<h2 class="name" ${name}</h2>` : html`<h3 ${name}</h3>`}
<div class="plot"${reached}>
<div class="wide">${raw(wide)}</div>
<div class="narrow">${raw(draw(narrowWidth))}</div>
</div>
<figcaption><p>${caption.join(" ")}</p></figcaption>
${table && html`<details><summary>Its values as a table</summary>${tableHtml(table)}</details>`}
</figure>`;
}

/** Without a script it says so; with one it is filled and leafed through. */
const allMoves = ({ dataset }: Report): Html => html`
<div id="all-moves">
<div class="scroll" tabindex="0" role="region" aria-label="Every move">
<table>
<thead><tr>${runColumns.filter(({ isShown }) => isShown).map(({ name, kind }) => html`<th scope="col" class="${kind}">${name}</th>`)}</tr></thead>
<tbody><tr><td colspan="${runColumns.filter(({ isShown }) => isShown).length}">${dataset.moves.length} moves, shown by the page's script.</td></tr></tbody>
</table>
</div>
</div>`;
