// What the page can do beyond being read: sort, copy and save its tables, show which move a point is, and leaf through all moves.
const runs = JSON.parse(document.getElementById("runs").textContent);
const told = document.getElementById("told");
const absent = "–";
const perPage = 25;
const mostPrinted = 500;
const numberColumn = runs.columns.findIndex(({ name }) => name === "move");

const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

// --- figures as they are read --------------------------------------------------------------------------------------

/** Figures are measured to tenths. */
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

/** As RFC 4180 has it. A text that a spreadsheet would take for a formula gets a quote before it; figures stay as they are. */
const csvField = (value) => {
  const text = /^[=@\t\r]|^[+-](?![\d.]+$)/.test(`${value}`) ? `'${value}` : `${value}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

function save(lines, name) {
  const text = lines.map((cells) => cells.map(csvField).join(",")).join("\r\n");
  const link = element("a", {
    href: URL.createObjectURL(new Blob([`${text}\r\n`], { type: "text/csv" })),
    download: `${name}.csv`,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  told.textContent = `Saved ${lines.length - 1} rows as ${name}.csv.`;
}

/** @param all what is saved; what is copied may be less */
function takeButtons(name, lines, all = lines) {
  const button = (textContent, title, does) => {
    const made = element("button", { type: "button", className: "copy", textContent, title });
    made.addEventListener("click", () => does(made));
    return made;
  };
  return [
    button("Copy", "Copy the table, for a spreadsheet", (made) => copy(lines(), made)),
    button("CSV", "Save the table as CSV", () => save(all(), name)),
  ];
}

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
  table.caption.firstElementChild.append(...takeButtons(holder.id, lines));
}

// --- all moves -----------------------------------------------------------------------------------------------------

const holder = document.getElementById("all-moves");
if (holder) leaf();

function leaf() {
  const table = holder.querySelector("table");
  const [body] = table.tBodies;
  const columns = runs.columns.flatMap(({ isShown }, index) => (isShown ? [index] : []));
  const every = runs.columns.map((_, index) => index);
  const state = { rows: runs.rows, page: 0, chosen: undefined };
  const find = element("input", { type: "search", placeholder: "Find: vm1 live rolled-back …" });
  find.setAttribute("aria-label", "Find moves by words");
  const where = element("span", { className: "where" });
  const step = (by, label) => {
    const button = element("button", { type: "button", textContent: label });
    button.addEventListener("click", () => show(state.page + by));
    return button;
  };
  const back = step(-1, "‹ Previous");
  const on = step(1, "Next ›");
  const lines = (which) => () => [
    which.map((column) => runs.columns[column].name),
    ...state.rows.map((row) => which.map((column) => wordOf(row, column) ?? "")),
  ];
  const take = takeButtons("moves", lines(columns), lines(every));
  holder.prepend(element("div", { className: "tools" }, find, back, where, on, ...take));

  /** All that is known of a move, below its row. */
  function detail(row) {
    const entries = every.flatMap((column) => {
      const value = columns.includes(column) ? undefined : wordOf(row, column);
      return value === undefined ? [] : [[runs.columns[column].name, shown(value)]];
    });
    const list = element(
      "dl",
      {},
      ...entries.flatMap(([name, text]) => [
        element("dt", { textContent: name }),
        element("dd", { textContent: text }),
      ]),
    );
    return element("tr", { className: "detail" }, element("td", { colSpan: columns.length }, list));
  }

  function rowOfTable(row) {
    const cells = columns.map((column) => {
      const value = wordOf(row, column);
      const cell = element("td", { className: runs.columns[column].kind });
      if (column === numberColumn) {
        cell.append(element("a", { href: `#move-${value}`, textContent: shown(value) }));
        cell.id = `move-${value}`;
      } else cell.textContent = shown(value);
      if (value === undefined) cell.classList.add("absent");
      return cell;
    });
    const isChosen = row === state.chosen;
    const made = element("tr", { className: isChosen ? "chosen" : "" }, ...cells);
    return isChosen ? [made, detail(row)] : [made];
  }

  function show(page, size = perPage) {
    const last = Math.max(0, Math.ceil(state.rows.length / size) - 1);
    state.page = Math.min(Math.max(page, 0), last);
    const from = state.page * size;
    const some = state.rows.slice(from, from + size);
    body.replaceChildren(...some.flatMap(rowOfTable));
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

  /** The move that the address names: #move-12. */
  function follow() {
    const number = Number(/^#move-(\d+)$/.exec(location.hash)?.[1]);
    const row = runs.rows.find((one) => one[numberColumn] === number);
    if (!row) return;
    state.chosen = row;
    if (!state.rows.includes(row)) {
      find.value = "";
      state.rows = runs.rows;
    }
    show(Math.floor(state.rows.indexOf(row) / perPage));
    document.getElementById(`move-${number}`).scrollIntoView({ block: "center" });
  }
  addEventListener("hashchange", follow);
  // Paper is not leafed through.
  let before;
  addEventListener("beforeprint", () => {
    before = state.page;
    show(0, mostPrinted);
  });
  addEventListener("afterprint", () => show(before));
  show(0);
  follow();
}

// --- which move a point is -----------------------------------------------------------------------------------------

const tip = document.getElementById("tip");
const rowOf = new Map(runs.rows.map((row) => [row[numberColumn], row]));
let marked;
/** The tip is to be read: it stays while the pointer is over it, and so long after its mark that the pointer gets there. */
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
  const entries = runs.tip.map(({ name, columns }) => [
    name,
    columns
      .map((column) =>
        runs.columns[column].name === "MiB"
          ? `${shown(wordOf(row, column))} MiB`
          : shown(wordOf(row, column)),
      )
      .join(", "),
  ]);
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

/** Goes to its row among all moves, where all is that is known of it. */
function goTo(mark) {
  location.hash = `move-${mark.dataset.move}`;
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
  // A finger that is lifted has asked what a mark is, not for its place in the table.
  plot.addEventListener("click", (event) => {
    const mark = nearest(plot, event.clientX, event.clientY) ?? event.target.closest?.("[data-move]");
    if (mark && event.pointerType !== "touch") goTo(mark);
  });
  // A finger that is lifted leaves, too: what it touched stays to be read until something else is touched.
  plot.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && hideSoon());
  plot.addEventListener("blur", (event) => event.relatedTarget !== tip && plot.contains(marked) && hide());
  plot.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && marked) goTo(marked);
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
