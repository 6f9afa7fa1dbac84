// What the page can do beyond being read: sort and copy its tables, show the record behind a point, and leaf through all moves.
const runs = JSON.parse(document.getElementById("runs").textContent);
const told = document.getElementById("told");
const absent = "–";
const perPage = 25;

const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

// --- figures as they are read --------------------------------------------------------------------------------------

const wordOf = (row, column) => {
  const value = row[column];
  if (value === null) return undefined;
  return runs.columns[column].kind === "text" ? runs.words[value] : value;
};

function shown(value) {
  if (value === undefined) return absent;
  if (typeof value === "string") return value;
  const text = Math.abs(value) >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1);
  return `${text}`.replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

// --- copying -------------------------------------------------------------------------------------------------------

const plain = (text) =>
  text
    .trim()
    .replace(/[\u202f\u00a0]/g, "")
    .replace(/\s+/g, " ");

async function copy(lines, button) {
  const text = lines.map((cells) => cells.join("\t")).join("\n");
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A browser that keeps the clipboard from pages opened as files.
    const area = element("textarea", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const label = button.textContent;
  button.textContent = "Copied";
  told.textContent = `Copied ${lines.length - 1} rows.`;
  setTimeout(() => {
    button.textContent = label;
  }, 1500);
}

const copyButton = (lines) => {
  const button = element("button", { type: "button", className: "copy", textContent: "Copy" });
  button.title = "Copy the table, for a spreadsheet";
  button.addEventListener("click", () => copy(lines(), button));
  return button;
};

// --- sorting -------------------------------------------------------------------------------------------------------

/** Makes a heading a button that sorts; calls back with 1 or -1. */
function sortable(heading, sort) {
  const button = element("button", { type: "button", textContent: heading.textContent });
  heading.replaceChildren(button);
  button.addEventListener("click", () => {
    const isAscending = heading.getAttribute("aria-sort") !== "ascending";
    for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", isAscending ? "ascending" : "descending");
    sort(isAscending ? 1 : -1);
    told.textContent = `Sorted by ${button.textContent}, ${isAscending ? "ascending" : "descending"}.`;
  });
}

/** What was not measured comes last, whichever the direction. */
function compared(a, b, direction) {
  if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
  return (
    direction *
    (typeof a === "number" && typeof b === "number"
      ? a - b
      : `${a}`.localeCompare(`${b}`, "en", { numeric: true }))
  );
}

function cellValue(cell) {
  if (cell.classList.contains("absent")) return undefined;
  return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
}

for (const holder of document.querySelectorAll("[data-table]")) {
  const table = holder.querySelector("table");
  const [head] = table.tHead.rows;
  const [body] = table.tBodies;
  for (const [column, heading] of [...head.cells].entries()) {
    sortable(heading, (direction) => {
      const rows = [...body.rows].map((row) => ({ row, value: cellValue(row.cells[column]) }));
      rows.sort((a, b) => compared(a.value, b.value, direction));
      body.append(...rows.map(({ row }) => row));
    });
  }
  const cellText = (cell) => (cell.classList.contains("absent") ? "" : plain(cell.textContent));
  const lines = () => [...table.rows].map((row) => [...row.cells].map(cellText));
  table.caption.firstElementChild.append(copyButton(lines));
}

// --- all moves -----------------------------------------------------------------------------------------------------

const holder = document.getElementById("all-moves");
if (holder) leaf();

function leaf() {
  const table = holder.querySelector("table");
  const [body] = table.tBodies;
  const columns = runs.columns.flatMap(({ isShown }, index) => (isShown ? [index] : []));
  const state = { rows: runs.rows, page: 0 };
  const find = element("input", { type: "search", placeholder: "Find: vm1 live rolled-back …" });
  find.setAttribute("aria-label", "Find moves by words");
  const where = element("span", { className: "where" });
  const step = (by, label) => {
    const button = element("button", { type: "button", textContent: label });
    button.addEventListener("click", () => show(state.page + by));
    return button;
  };
  const back = step(-1, "‹ Back");
  const on = step(1, "On ›");
  const lines = () => [
    columns.map((column) => runs.columns[column].name),
    ...state.rows.map((row) => columns.map((column) => wordOf(row, column) ?? "")),
  ];
  holder.prepend(element("div", { className: "tools" }, find, back, where, on, copyButton(lines)));

  function show(page) {
    const last = Math.max(0, Math.ceil(state.rows.length / perPage) - 1);
    state.page = Math.min(Math.max(page, 0), last);
    const from = state.page * perPage;
    const some = state.rows.slice(from, from + perPage);
    body.replaceChildren(
      ...some.map((row) =>
        element(
          "tr",
          {},
          ...columns.map((column) => {
            const value = wordOf(row, column);
            const cell = element("td", { className: runs.columns[column].kind, textContent: shown(value) });
            if (value === undefined) cell.classList.add("absent");
            return cell;
          }),
        ),
      ),
    );
    where.textContent =
      some.length === 0 ? "none" : `${from + 1} to ${from + some.length} of ${state.rows.length}`;
    back.disabled = state.page === 0;
    on.disabled = state.page === last;
  }

  for (const [place, heading] of [...table.tHead.rows[0].cells].entries()) {
    const column = columns[place];
    sortable(heading, (direction) => {
      state.rows = [...state.rows].sort((a, b) => compared(wordOf(a, column), wordOf(b, column), direction));
      show(0);
    });
  }
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (row) =>
      runs.columns
        .map((_, column) => wordOf(row, column) ?? "")
        .join(" ")
        .toLowerCase();
    state.rows =
      words.length === 0
        ? runs.rows
        : runs.rows.filter((row) => words.every((word) => text(row).includes(word)));
    for (const heading of table.tHead.rows[0].cells) heading.removeAttribute("aria-sort");
    show(0);
  });
  show(0);
}

// --- the record behind a point -------------------------------------------------------------------------------------

const tip = document.getElementById("tip");
const numberColumn = runs.columns.findIndex(({ name }) => name === "move");
const rowOf = new Map(runs.rows.map((row) => [row[numberColumn], row]));
let marked;
/** The tip is to be read, and scrolled: it stays while the pointer is over it, and so long after its mark that the pointer gets there. */
let isOverTip = false;
let leaving;
const graceMs = 300;

function show(mark) {
  stay();
  const row = rowOf.get(Number(mark.dataset.move));
  if (!row || mark === marked) return;
  hide();
  marked = mark;
  mark.classList.add("marked");
  const entries = runs.columns.flatMap(({ name }, column) => {
    const value = wordOf(row, column);
    return value === undefined ? [] : [[name, shown(value)]];
  });
  tip.replaceChildren(
    element(
      "dl",
      {},
      ...entries.flatMap(([name, text]) => [
        element("dt", { textContent: name }),
        element("dd", { textContent: text }),
      ]),
    ),
  );
  tip.hidden = false;
  tip.scrollTop = 0;
  place();
}

/** Beside its mark, in the window; while the page scrolls under it, too. */
function place() {
  if (!marked) return;
  const at = marked.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const left = at.right + 12 + width > innerWidth ? at.left - width - 12 : at.right + 12;
  tip.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  tip.style.top = `${Math.max(8, Math.min(at.top - height / 2, innerHeight - height - 8))}px`;
}

function hide() {
  stay();
  isOverTip = false;
  marked?.classList.remove("marked");
  marked = undefined;
  tip.hidden = true;
}

function hideSoon() {
  leaving ??= setTimeout(() => (isOverTip ? stay() : hide()), graceMs);
}

function stay() {
  clearTimeout(leaving);
  leaving = undefined;
}

/** Points are small: the nearest within reach counts. */
function nearest(plot, x, y) {
  let found;
  let least = 18;
  for (const mark of marksOf(plot)) {
    const at = mark.getBoundingClientRect();
    const distance = Math.hypot((at.left + at.right) / 2 - x, (at.top + at.bottom) / 2 - y);
    if (distance < least) [found, least] = [mark, distance];
  }
  return found;
}

const marksOf = (plot) =>
  [...plot.querySelectorAll("svg")]
    .filter((svg) => svg.getClientRects().length > 0)
    .flatMap((svg) => [...svg.querySelectorAll("[data-move]")]);

for (const plot of document.querySelectorAll(".plot")) {
  const look = (event) => {
    // The pointer has reached the tip since.
    if (isOverTip) return;
    // Where points overlap, the one in the middle of which it is, and not the one that was drawn last.
    const mark = nearest(plot, event.clientX, event.clientY) ?? event.target.closest?.("[data-move]");
    if (mark) show(mark);
    else hideSoon();
  };
  let waits = false;
  plot.addEventListener("pointermove", (event) => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      look(event);
    });
  });
  plot.addEventListener("pointerdown", look);
  // A finger that is lifted leaves, too: what it touched stays to be read until something else is touched.
  plot.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && hideSoon());
  plot.addEventListener("blur", (event) => event.relatedTarget !== tip && plot.contains(marked) && hide());
  plot.addEventListener("keydown", (event) => {
    const pages = { PageDown: 1, PageUp: -1 }[event.key];
    if (pages && !tip.hidden && tip.scrollHeight > tip.clientHeight) {
      event.preventDefault();
      tip.scrollTop += pages * 0.8 * tip.clientHeight;
    }
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const marks = marksOf(plot);
    if (!by || marks.length === 0) return;
    event.preventDefault();
    const at = marks.indexOf(marked);
    const next = at < 0 ? (by > 0 ? 0 : marks.length - 1) : (at + by + marks.length) % marks.length;
    show(marks[next]);
    told.textContent = [...tip.querySelectorAll("dt")]
      .map((name) => `${name.textContent} ${name.nextSibling.textContent}`)
      .join(", ");
  });
}
tip.addEventListener("pointerenter", () => {
  isOverTip = true;
});
tip.addEventListener("pointerleave", (event) => {
  isOverTip = false;
  if (event.pointerType !== "touch") hideSoon();
});
// Unless it is left for another mark.
tip.addEventListener("blur", (event) => event.relatedTarget?.contains(marked) || hide());
addEventListener("pointerdown", (event) => event.target.closest(".plot, #tip") ?? hide());
addEventListener("keydown", (event) => event.key === "Escape" && hide());
addEventListener("scroll", place, { passive: true });
