// The report's page in a real browser: of moves that were measured, of a synthetic run, and of very many synthetic moves.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { startBrowser } from "../../bin/pictures/browser.ts";
import { type Dataset, datasetOf } from "../../report/data/dataset.ts";
import { figuresOf, reportOf } from "../../report/sections/report.ts";
import { writeReport } from "../../report/write-report.ts";
import { fileOf, syntheticRun } from "./synthetic.ts";

let browser: Browser;
let folder: string;
const made = new Map<string, { url: string; bytes: number; dataset: Dataset }>();

async function make(name: string, ...texts: string[]): Promise<void> {
  const dataset = datasetOf(
    texts.map((text, index) => ({
      file: `/srv/studies/of-a-long-name/results/experiments/paper/${name}${index || ""}.jsonl`,
      text,
    })),
  );
  const { page, pageBytes } = await writeReport(reportOf(dataset), join(folder, name));
  made.set(name, { url: pathToFileURL(page).href, bytes: pageBytes, dataset });
}
const reportNamed = (name: string) => made.get(name) as { url: string; bytes: number; dataset: Dataset };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "report-page-"));
  browser = await startBrowser();
  const measured = await readFile(join(import.meta.dirname, "measured.jsonl"), "utf8");
  await make("measured", measured);
  await make("synthetic", fileOf(syntheticRun(7)));
  const later = fileOf(syntheticRun(7, 2)).replaceAll(/"startedAt":"\d{4}/g, '"startedAt":"2027');
  await make("compared", fileOf(syntheticRun(7)), later);
  // A torn last line, and one of an older schema.
  await make("broken", `{"schema":0,"guest":"vm1"}\n${measured}${measured.slice(0, 300)}`);
});
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true });
});

let open: Page[] = [];
let said: string[] = [];
afterEach(async () => {
  await Promise.all(open.map((page) => page.context().close()));
  open = [];
  said = [];
});

async function visit(
  name: string,
  options: Parameters<Browser["newContext"]>[0] = {},
  hash = "",
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  open.push(page);
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  const { url } = reportNamed(name);
  page.on(
    "request",
    (request) => !request.url().startsWith(url) && said.push(`it asked for ${request.url().slice(0, 100)}`),
  );
  await page.goto(`${url}${hash}`);
  return page;
}

/**
 * Points at a mark until what is shown of it is there: a section takes its height when it comes into view, and the page
 * scrolls softly, so that a mark may leave from under a pointer that has just reached it.
 */
async function pointAt(page: Page, mark: Locator): Promise<Locator> {
  const tip = page.locator("#tip");
  await vi.waitFor(
    async () => {
      await page.mouse.move(1, 1);
      await mark.hover({ force: true });
      await tip.waitFor({ state: "visible", timeout: 1_000 });
    },
    { timeout: 20_000 },
  );
  return tip;
}

const columnOf = (page: Page, table: string, column: number): Promise<string[]> =>
  page.locator(`${table} tbody tr td:nth-child(${column})`).allTextContents();

describe.each(["measured", "synthetic", "broken"])("the page of the %s moves", (name) => {
  it("opens without an error, and asks for nothing", async () => {
    const page = await visit(name);
    await page.mouse.wheel(0, 20_000);
    await page.waitForTimeout(200);
    expect(await page.title()).toBe(reportOf(reportNamed(name).dataset).title);
    expect(said.filter((text) => !text.includes("data:,"))).toEqual([]);
  });

  it("has figures, and in each marks that can be seen", async () => {
    const page = await visit(name);
    const expected = figuresOf(reportOf(reportNamed(name).dataset));
    expect(await page.locator("figure").count()).toBe(expected.length);
    for (const { id } of expected) {
      const figure = page.locator(`#${id}`);
      await figure.scrollIntoViewIfNeeded();
      // In some a mark is a guest or a cell, not a move.
      const own = id.startsWith("forest-") ? ".wide svg path[fill]" : ".wide svg rect";
      const isOfMoves = !id.startsWith("forest-") && id !== "overview";
      const marks = figure.locator(isOfMoves ? ".wide [data-move]" : own);
      await marks.first().waitFor({ state: "visible" });
      const boxes: Box[] = await marks.evaluateAll((some) =>
        some.map((mark) => (mark as unknown as { getBoundingClientRect(): Box }).getBoundingClientRect()),
      );
      expect(boxes.length, id).toBeGreaterThan(0);
      expect(
        boxes.some(({ width, height }) => width > 1 && height > 1),
        id,
      ).toBe(true);
    }
  });

  it("has on its first screen what was measured on, what came of it, and a picture", async () => {
    for (const viewport of [
      { width: 390, height: 844 },
      { width: 1280, height: 900 },
      { width: 1920, height: 1080 },
    ]) {
      const page = await visit(name, { viewport });
      for (const id of ["#measured-on", "#says p:first-child", "#picture figure:first-child .plot"]) {
        const box = (await page.locator(id).boundingBox()) as Box & { y: number };
        expect(box.y, `${id} at ${viewport.width}`).toBeGreaterThanOrEqual(0);
        // Of a picture in a phone its upper part.
        const shown = id.startsWith("#picture") ? Math.min(box.height, 150) : box.height;
        expect(box.y + shown, `${id} at ${viewport.width}`).toBeLessThanOrEqual(viewport.height);
      }
    }
  });
});

describe("the claims", () => {
  it("are a row each where they are asked for, with verdict and test", async () => {
    const page = await visit("synthetic");
    expect(await page.locator("#claims tbody tr").count()).toBe(7);
    const verdicts = await columnOf(page, "#claims", 2);
    // The last one cannot be told: its guests differ in their rate only where they differ in their workload, too.
    expect(new Set(verdicts.slice(0, -1))).toEqual(new Set(["✓ reproduced"]));
    expect(verdicts.at(-1)).toBe("? can't tell");
    for (const test of await columnOf(page, "#claims", 6)) {
      expect(await page.locator("#claims .notes").textContent()).toMatch(new RegExp(`${test}: `, "i"));
    }
  });

  it("are not there for moves that tell nothing of them", async () => {
    const page = await visit("measured");
    expect(await page.locator("#claims").count()).toBe(0);
    expect(await page.locator("h2").allTextContents()).not.toContain("The paper's claims");
  });
});

interface Box {
  width: number;
  height: number;
}

/** The rules of WCAG that what is there breaks, and where. */
async function brokenRules(page: Page, where: string): Promise<string[]> {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
  return page.evaluate(
    `axe.run("${where}", {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}).then((r) => r.violations.map((v) => \`\${v.id}: \${v.nodes.map((n) => n.html.slice(0, 120)).slice(0, 3).join(' | ')}\`))`,
  );
}

describe("to all readers", () => {
  it.each([
    { name: "measured", width: 1280, colorScheme: "light" },
    { name: "measured", width: 1280, colorScheme: "dark" },
    { name: "broken", width: 380, colorScheme: "light" },
  ] as const)(
    "the $name moves are told as WCAG 2 asks, as far as that can be checked: $width px, $colorScheme",
    async ({ name, width, colorScheme }) => {
      const page = await visit(name, { viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
      expect(await brokenRules(page, "html")).toEqual([]);
    },
  );
});

/** Whole from a hundred on, tenths below. */
const shownMs = (ms: number) => `${ms >= 100 || Number.isInteger(ms) ? Math.round(ms) : ms.toFixed(1)}`;

/** What a tooltip says, by its names. */
async function shownIn(tip: Locator): Promise<Record<string, string>> {
  const names = await tip.locator("dt").allTextContents();
  const values = await tip.locator("dd").allTextContents();
  return Object.fromEntries(
    names.map((name, index) => [name, (values[index] as string).replaceAll("\u202f", "")]),
  );
}

describe("a point", () => {
  it("shows the record it stands for, to the pointer", async () => {
    const page = await visit("measured");
    const { moves } = reportNamed("measured").dataset;
    const marks = page.locator("#figure-9 .wide [data-move]");
    await page.locator("#figure-9").scrollIntoViewIfNeeded();
    const first = marks.first();
    const number = Number(await first.getAttribute("data-move"));
    const { record } = moves[number - 1] as (typeof moves)[0];
    const tip = await pointAt(page, first);
    expect(await shownIn(tip)).toEqual({
      move: `${number}`,
      guest: `${record.guest}, ${record.memoryMiB} MiB, ${(record.workload as { type: string }).type}`,
      mode: `${record.mode}, ${record.from} → ${record.to}`,
      "total ms": shownMs(record.totalMs),
      "downtime ms": shownMs(record.downtimeMs as number),
    });
    await page.mouse.move(5, 5);
    await tip.waitFor({ state: "hidden" });
  });

  it("is reached by the keyboard, and told to a screen reader", async () => {
    const page = await visit("synthetic");
    const plot = page.locator("#figure-10 .plot");
    await plot.focus();
    await page.keyboard.press("ArrowRight");
    const tip = page.locator("#tip");
    await tip.waitFor({ state: "visible" });
    const first = await shownIn(tip);
    await page.keyboard.press("ArrowRight");
    expect(await shownIn(tip)).not.toEqual(first);
    await page.keyboard.press("ArrowLeft");
    expect(await shownIn(tip)).toEqual(first);
    expect(await page.locator("#told").textContent()).toMatch(/^move \d+, guest python-1, .*, mode live/);
    await page.keyboard.press("Escape");
    await tip.waitFor({ state: "hidden" });
  });
});

describe("what is shown of a point", () => {
  /** Points at a mark, and goes on into what is shown of it. */
  async function intoTip(page: Page, mark: Locator): Promise<Locator> {
    const tip = await pointAt(page, mark);
    const { x, y, width, height } = await boxOf(tip);
    await page.mouse.move(x + width / 2, y + height / 2, { steps: 2 });
    // Longer than it stays without the pointer.
    await page.waitForTimeout(600);
    return tip;
  }
  const boxOf = async (some: Locator) => (await some.boundingBox()) as Box & { x: number; y: number };

  it("stays while the pointer is over it, until that leaves or Escape is pressed", async () => {
    const page = await visit("measured");
    // A bar of a timeline: what is beside it is no mark.
    await page.locator("#timeline-precopy").scrollIntoViewIfNeeded();
    const mark = page.locator("#timeline-precopy .wide [data-move]").first();
    const tip = await intoTip(page, mark);
    expect(await tip.isVisible()).toBe(true);
    await page.mouse.down();
    await page.mouse.up();
    expect(await tip.isVisible()).toBe(true);
    await page.mouse.move(2, 2);
    await tip.waitFor({ state: "hidden" });
    await intoTip(page, mark);
    await page.keyboard.press("Escape");
    expect(await tip.isVisible()).toBe(false);
  });

  it("is five rows, which fit into the window at 400 %", async () => {
    const page = await visit("measured", { viewport: { width: 320, height: 256 }, bypassCSP: true });
    await page.locator("#figure-9 .plot").scrollIntoViewIfNeeded();
    const tip = await intoTip(page, page.locator("#figure-9 .narrow [data-move]").first());
    const { y, height } = await boxOf(tip);
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y + height).toBeLessThanOrEqual(256);
    expect(await tip.evaluate((element) => element.scrollHeight <= element.clientHeight)).toBe(true);
    expect(await tip.locator("dt").count()).toBe(5);
    expect(await brokenRules(page, "#tip")).toEqual([]);
  });
});

describe("all that is known of a move", () => {
  it("is a click, or Enter, away from its mark, at an address of its own", async () => {
    const page = await visit("synthetic");
    await page.locator("#figure-9 .plot").focus();
    await page.keyboard.press("ArrowRight");
    await page.locator("#tip").waitFor({ state: "visible" });
    const { move } = await shownIn(page.locator("#tip"));
    await page.keyboard.press("Enter");
    const detail = page.locator("#all-moves .detail");
    await detail.waitFor({ state: "visible" });
    expect(page.url()).toContain(`#move-${move}`);
    expect(await page.locator("#all-moves .chosen td").first().textContent()).toBe(move);
    const { moves } = reportNamed("synthetic").dataset;
    const { file, line } = moves[Number(move) - 1] as (typeof moves)[0];
    expect(await detail.textContent()).toContain(`${file}:${line}`);
    const isInWindow = () =>
      page.locator("#all-moves .chosen").evaluate((row) => {
        const { top, bottom } = (
          row as unknown as { getBoundingClientRect(): { top: number; bottom: number } }
        ).getBoundingClientRect();
        return top >= 0 && bottom <= 900;
      });
    // The page scrolls softly.
    await expect.poll(isInWindow, { timeout: 20_000 }).toBe(true);
  });

  it("is there when the page is opened at that address, whatever page of the table it is on", async () => {
    const page = await visit("synthetic", {}, "#move-140");
    expect(await page.locator("#all-moves .chosen td").first().textContent()).toBe("140");
    expect(await page.locator("#all-moves .where").textContent()).toMatch(/^126 to 150 of /);
    await page.locator("#all-moves input").fill("offline");
    expect(await page.locator("#all-moves .detail").count()).toBeLessThanOrEqual(1);
  });
});

/** A line of CSV, none of whose fields has several lines. */
const fieldsOf = (line: string): string[] =>
  [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
    .map(([, field = ""]) => (field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field))
    .slice(0, -1);

describe("a table", () => {
  it("is sorted by a column, as figures or as text, what is absent last", async () => {
    const page = await visit("synthetic");
    const sort = (name: string) =>
      page.getByRole("region", { name: /^Cells: medians/ }).getByRole("button", { name, exact: true });
    const figures = async (column: number) =>
      (await columnOf(page, "#cells", column)).map((text) =>
        Number.parseFloat(text.replaceAll("\u202f", "")),
      );
    await sort("total").click();
    const totals = await figures(5);
    expect(totals).toEqual(totals.toSorted((a, b) => a - b));
    await sort("total").click();
    expect(await figures(5)).toEqual(totals.toReversed());
    expect(await page.locator("#cells th[aria-sort]").getAttribute("aria-sort")).toBe("descending");
    await sort("passes").click();
    const passes = await columnOf(page, "#cells", 8);
    const isAbsent = passes.map((text) => text.includes("–"));
    expect(isAbsent).toEqual([...Array(10).fill(false), ...Array(10).fill(true)]);
    await sort("passes").click();
    expect((await columnOf(page, "#cells", 8)).map((text) => text.includes("–"))).toEqual(isAbsent);
    await sort("cell").click();
    const cells = await columnOf(page, "#cells", 1);
    expect(cells).toEqual(cells.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true })));
  });

  it("is copied as a spreadsheet takes it, with empty fields for what is absent", async () => {
    const page = await visit("synthetic");
    await page.locator("#paper").getByRole("button", { name: "Copy" }).click();
    await page.locator("#paper").getByRole("button", { name: "Copied" }).waitFor();
    const copied: string = await page.evaluate("navigator.clipboard.readText()");
    const rows = copied.split("\n").map((line) => line.split("\t"));
    expect(rows[0]).toEqual(["what", "paper", "middle cell here", "least cell", "most cell", "cells"]);
    expect(rows).toHaveLength(8);
    const suspend = rows[1] as string[];
    expect(suspend.slice(0, 2)).toEqual(["offline: suspend", "2.8"]);
    expect(suspend[5]).toBe("10");
    await page.locator("#cells").getByRole("button", { name: "Copy" }).click();
    await page.locator("#cells").getByRole("button", { name: "Copied" }).waitFor();
    const cells: string = await page.evaluate("navigator.clipboard.readText()");
    const offline = cells.split("\n").find((line) => line.includes("offline"));
    // An offline move has neither passes nor memory that was sent, nor a dirty rate.
    expect(offline?.split("\t").slice(7)).toEqual(["", "", ""]);
  });

  it("is saved as CSV, what is in no column of the page too", async () => {
    const page = await visit("synthetic");
    const saved = async (holder: string) => {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.locator(holder).getByRole("button", { name: "CSV" }).click(),
      ]);
      const text = await readFile(await download.path(), "utf8");
      return { name: download.suggestedFilename(), rows: text.trimEnd().split("\r\n").map(fieldsOf) };
    };
    const cells = await saved("#cells");
    expect(cells.name).toBe("cells.csv");
    expect(cells.rows).toHaveLength(21);
    const { moves } = reportNamed("synthetic").dataset;
    const all = await saved("#all-moves");
    expect(all.name).toBe("moves.csv");
    expect(all.rows).toHaveLength(moves.length + 1);
    const [head = [], first = []] = all.rows;
    expect(head).toContain("phases, ms");
    expect(Number(first[head.indexOf("total ms")])).toBeCloseTo(moves[0]?.record.totalMs as number, 1);
    expect(said.filter((text) => !text.startsWith("it asked for blob:"))).toEqual([]);
  });

  it("of every move is leafed through, searched and sorted as a whole", async () => {
    const page = await visit("synthetic");
    const { moves } = reportNamed("synthetic").dataset;
    const rows = page.locator("#all-moves tbody tr");
    const where = page.locator("#all-moves .where");
    expect(await where.textContent()).toBe(`1 to 25 of ${moves.length}`);
    await page.locator("#all-moves").getByRole("button", { name: /Next/ }).click();
    expect(await rows.first().locator("td").first().textContent()).toBe("26");
    await page.locator("#all-moves").getByRole("button", { name: "total ms", exact: true }).click();
    const least = Math.min(...moves.map(({ record }) => record.totalMs));
    const shown = await rows.first().locator("td:nth-child(8)").textContent();
    expect(Number(shown?.replaceAll("\u202f", ""))).toBe(Math.round(least));
    await page.locator("#all-moves input").fill("offline mysql");
    const found = moves.filter(({ record }) => record.mode === "offline" && record.guest === "mysql-8");
    expect(await where.textContent()).toBe(`1 to ${found.length} of ${found.length}`);
    await page.locator("#all-moves input").fill("nothing like it");
    expect(await where.textContent()).toBe("none");
  });
});

describe("the page", () => {
  it("fits a phone, with figures drawn for it", async () => {
    for (const width of [320, 390]) {
      const page = await visit("synthetic", { viewport: { width, height: 800 } });
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
      await page.locator("#figure-9").scrollIntoViewIfNeeded();
      expect(await page.locator("#figure-9 .narrow").isVisible()).toBe(true);
      expect(await page.locator("#figure-9 .wide").isVisible()).toBe(false);
      // Its claims are cards.
      expect(await page.evaluate("getComputedStyle(document.querySelector('#claims thead')).position")).toBe(
        "absolute",
      );
    }
  });

  it("is dark where the reader wants it so, its figures too", async () => {
    const colors = async (colorScheme: "light" | "dark") => {
      const page = await visit("measured", { colorScheme });
      return page.evaluate(
        "[document.documentElement, document.querySelector('#figure-9 .wide [data-move]')].map((e, i) => getComputedStyle(e)[i === 0 ? 'backgroundColor' : 'stroke'])",
      ) as Promise<string[]>;
    };
    const [light, dark] = [await colors("light"), await colors("dark")];
    expect(light[0]).toBe("rgb(253, 253, 251)");
    expect(dark[0]).toBe("rgb(20, 23, 28)");
    expect(light[1]).not.toBe(dark[1]);
  });

  it("prints on white, without what only a screen has", async () => {
    const page = await visit("measured", { colorScheme: "dark" });
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    expect(await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")).toBe(
      "rgb(255, 255, 255)",
    );
    expect(await page.locator("nav").isVisible()).toBe(false);
    expect(await page.locator("#figure-9 .wide [data-move]").first().isVisible()).toBe(true);
    const { moves } = reportNamed("measured").dataset;
    const rows = () => page.locator("#all-moves tbody tr").count();
    expect(await rows()).toBe(25);
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    expect(await rows()).toBe(moves.length);
    await page.evaluate("dispatchEvent(new Event('afterprint'))");
    expect(await rows()).toBe(25);
    const pdf = await page.pdf({ format: "A4" });
    const pages = pdf.toString("latin1").match(/\/Type \/Page\b/g)?.length ?? 0;
    expect(pages).toBeGreaterThan(2);
    expect(pages).toBeLessThan(20);
  });

  it("is no wider than its window, and a table that is says so by a shadow", async () => {
    for (const width of [390, 1280, 1920]) {
      for (const name of ["measured", "synthetic", "compared"]) {
        const page = await visit(name, { viewport: { width, height: 900 } });
        await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
        expect(await page.evaluate("document.documentElement.scrollWidth"), `${name} at ${width}`).toBe(
          width,
        );
        // All of it fits into a wide window.
        const cut = await page.evaluate<string[]>(
          "[...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.ariaLabel)",
        );
        if (width >= 1280) expect(cut, `${name} at ${width}`).toEqual([]);
        const shadow = await page.evaluate<string>(
          "getComputedStyle(document.querySelector('.scroll')).backgroundAttachment",
        );
        expect(shadow).toBe("local, local, scroll, scroll");
      }
    }
  });

  it("of two runs opens with how they differ", async () => {
    const page = await visit("compared");
    expect(await page.locator("#says p").first().textContent()).toMatch(/common cells/);
    expect(await page.locator("#picture figure").first().getAttribute("id")).toBe("compared-total");
    expect(await page.locator("#compared-cells tbody tr").count()).toBe(40);
  });

  it("says what it left out, and why", async () => {
    const page = await visit("broken");
    expect(await page.locator("#problems tbody tr").allInnerTexts()).toEqual([
      expect.stringMatching(
        /broken\.jsonl\s+1\s+passed over\s+it is of schema 0; what is read here is schema 1/,
      ),
      expect.stringMatching(/broken\.jsonl\s+29\s+passed over\s+it was never written to its end/),
    ]);
    expect(await page.locator("#faults tbody tr").allInnerTexts()).toEqual([
      expect.stringMatching(/live\s+rolled-back\s+2\s+.*not done after 30 s/s),
    ]);
  });
});

describe("of ten thousand moves the page", () => {
  it("stays small, has every move, and few things to draw", async () => {
    await make("many", fileOf(syntheticRun(500)));
    const { bytes, dataset } = reportNamed("many");
    expect(dataset.moves.length).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(5_000_000);
    const page = await visit("many");
    expect(await page.locator("#all-moves .where").textContent()).toBe(`1 to 25 of ${dataset.moves.length}`);
    expect(await page.evaluate("document.querySelectorAll('*').length")).toBeLessThan(25_000);
    await page
      .locator("#all-moves input")
      .fill(`${dataset.moves.at(-1)?.record.startedAt.slice(0, 19).replace("T", " ")}`);
    expect(await page.locator("#all-moves .where").textContent()).toBe("1 to 1 of 1");
    expect(said.filter((text) => !text.includes("data:,"))).toEqual([]);
  });
});
