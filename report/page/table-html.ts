import { absent, type Column, shownOf, type TableCell, type TableModel } from "../text/table-model.ts";
import { type Html, html } from "./html.ts";

/** A table whose columns can be sorted, and which can be copied; both by the page's script, and readable without. */
export const tableHtml = (table: TableModel, { isCards = false } = {}): Html => html`
<div class="table${isCards && " cards"}" id="${table.id}" data-table>
  <div class="scroll" tabindex="0" role="region" aria-label="${table.title}">
    <table>
      <caption><div class="title"><span>${table.title}</span></div></caption>
      <thead><tr>${table.columns.map(heading)}</tr></thead>
      <tbody>${table.rows.map((row) => html`<tr>${row.map((cell, index) => cellHtml(cell, table.columns[index] as Column))}</tr>`)}</tbody>
    </table>
  </div>
  ${notesHtml(table)}
</div>`;

const heading = ({ name, kind }: Column): Html => html`<th scope="col" class="${kind}">${name}</th>`;

const longestName = 32;

const tones = { good: "✓", bad: "✗", open: "?" } as const;

function cellHtml(cell: TableCell, { kind, name }: Column): Html {
  if (cell === undefined) {
    return html`<td class="${kind} absent" data-name="${name}"><span aria-hidden="true">${absent}</span><span class="unseen">not measured</span></td>`;
  }
  const shown = shownOf(cell);
  const tone = typeof cell === "object" ? cell.tone : undefined;
  const sortsAs = typeof cell === "object" && "sortsAs" in cell ? cell.sortsAs : undefined;
  // A name without blanks is not broken at its hyphens, unless it is as long as a line.
  const isName = kind === "text" && shown.length <= longestName && !/\s/.test(shown);
  return html`<td class="${kind}${isName && " name"}" data-name="${name}"${sortsAs !== undefined && html` data-value="${sortsAs}"`}>${
    tone
      ? html`<span class="verdict ${tone}"><span aria-hidden="true">${tones[tone]} </span>${shown}</span>`
      : shown
  }</td>`;
}

function notesHtml({ notes, rows }: TableModel): Html | undefined {
  const hasAbsent = rows.some((row) => row.includes(undefined));
  const all = hasAbsent ? [...notes, `${absent}: not measured, or none.`] : notes;
  return all.length === 0
    ? undefined
    : html`<ul class="notes">${all.map((note) => html`<li>${note}</li>`)}</ul>`;
}
