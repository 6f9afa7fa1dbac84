import fc from "fast-check";
import { median } from "simple-statistics";
import { describe, expect, it } from "vitest";
import { create } from "xmlbuilder2";
import type { MigrationRecord } from "../../../../moves/record.ts";
import { type Dataset, datasetOf } from "../../../../report/data/dataset.ts";
import type { Figure } from "../../../../report/figures/figure.ts";
import { thinned } from "../../../../report/figures/thin.ts";
import { escaped } from "../../../../report/page/html.ts";
import { svgFile } from "../../../../report/page/svg-file.ts";
import { figuresOf as figuresIn, reportOf } from "../../../../report/sections/report.ts";
import { shownOf } from "../../../../report/text/table-model.ts";
import { fileOf, syntheticRun } from "../../../report/synthetic.ts";
import { coldRecord, liveRecord, offlineRecord } from "../../helpers/records.ts";

const ofRecords = (...records: MigrationRecord[]): Dataset =>
  datasetOf([{ file: "lab.jsonl", text: records.map((record) => `${JSON.stringify(record)}\n`).join("") }]);
const ofRun = (repeats: number): Dataset =>
  datasetOf([{ file: "run.jsonl", text: fileOf(syntheticRun(repeats)) }]);
const figuresOf = (dataset: Dataset): Figure[] => figuresIn(reportOf(dataset));
const figureOf = (dataset: Dataset, id: string): Figure => {
  const found = figuresOf(dataset).find((figure) => figure.id === id);
  if (!found) throw new Error(`there is no figure ${id}`);
  return found;
};

/** A live move that is down for so long. */
function downFor(downtimeMs: number): MigrationRecord {
  const { phases, totalMs } = liveRecord();
  const [preparation, iterations] = phases as [(typeof phases)[0], (typeof phases)[0]];
  const [stopMs, halfMs] = [iterations.endMs, downtimeMs / 2];
  return liveRecord({
    downtimeMs,
    phases: [
      preparation,
      iterations,
      { name: "stop-and-copy", startMs: stopMs, endMs: stopMs + halfMs },
      { name: "device-state", startMs: stopMs + halfMs, endMs: stopMs + downtimeMs },
      { name: "completion", startMs: stopMs + downtimeMs, endMs: totalMs },
    ],
    equations: { tiMs: 1120, ovMs: 380, dmMs: halfMs, vsMs: halfMs },
  });
}

const inAll = (totalMs: number): MigrationRecord["phases"] => [
  { name: "suspend", startMs: 0, endMs: totalMs / 4 },
  { name: "copy", startMs: totalMs / 4, endMs: totalMs / 2 },
  { name: "resume", startMs: totalMs / 2, endMs: totalMs },
];

const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]+)<\/text>/g)].map(([, text]) => text as string);

/** The marks that stand for moves: which, and where. */
function marksOf(svg: string): { move: number; x: number; y: number }[] {
  return [...svg.matchAll(/<(?:circle|path|rect)[^>]*data-move="(\d+)"[^>]*>/g)].map(([mark, move]) => {
    const moved = /transform="translate\(([-\d.]+),([-\d.]+)\)"/.exec(mark);
    const x = moved?.[1] ?? /cx="([-\d.]+)"/.exec(mark)?.[1];
    const y = moved?.[2] ?? /cy="([-\d.]+)"/.exec(mark)?.[1];
    return { move: Number(move), x: Number(x), y: Number(y) };
  });
}

describe("the figures of a run of the paper's study", () => {
  const dataset = ofRun(6);

  it("are the paper's, and what is seen inside a move, around it and before it", () => {
    expect(figuresOf(dataset).map(({ id }) => id)).toEqual([
      "overview",
      "forest-copy-is-longest",
      "forest-live-downtime-shorter",
      "forest-live-total-longer",
      ...[4, 5, 6, 7, 9, 10, 11, 12].map((number) => `figure-${number}`),
      "timeline-precopy",
      "timeline-offline",
      "remaining",
      "downtime-spread",
      "difference-guest-clock",
      "difference-client",
      "latency-live",
      "latency-offline",
      "prediction-total",
      "prediction-downtime",
      "order",
    ]);
  });

  it("have a mark for every move that counts, where its figures say", () => {
    const marks = marksOf(figureOf(dataset, "figure-9").draw(580));
    const live = dataset.moves.filter(({ record, isWarmUp }) => record.mode === "live" && !isWarmUp);
    expect(marks.map(({ move }) => move).sort((a, b) => a - b)).toEqual(live.map(({ number }) => number));
    const recordOf = new Map(live.map(({ number, record }) => [number, record]));
    const slow = marks.toSorted((a, b) => a.y - b.y);
    for (const [index, { move, y }] of slow.entries()) {
      const next = slow[index + 1];
      // Higher up is longer; what is a tenth of a pixel apart may be either.
      if (next && next.y - y > 0.15) {
        expect(recordOf.get(move)?.totalMs).toBeGreaterThan(recordOf.get(next.move)?.totalMs as number);
      }
    }
    const bySize = (memoryMiB: number) =>
      marks.filter(({ move }) => recordOf.get(move)?.memoryMiB === memoryMiB);
    expect(Math.max(...bySize(384).map(({ x }) => x))).toBeLessThan(
      Math.min(...bySize(512).map(({ x }) => x)),
    );
  });

  it("have their medians and intervals as a table", () => {
    const rows = figureOf(dataset, "figure-4").table?.rows ?? [];
    expect(rows).toHaveLength(10);
    const suspends = dataset.moves
      .filter(({ record }) => record.guest === "idle-7" && record.mode === "offline")
      .map(({ record }) => record.phases[0]?.endMs as number);
    const idle = rows.find(([cell]) => shownOf(cell) === "idle-7/offline") ?? [];
    expect(idle[3]).toMatchObject({ sortsAs: median(suspends) });
    expect(idle[4]).toMatchObject({ sortsAs: Math.min(...suspends) });
    expect(idle[5]).toMatchObject({ sortsAs: Math.max(...suspends) });
    expect(idle[6]).toMatchObject({ shown: "96.9 %" });
  });

  it("have every guest's effect where it is, and both intervals of all below", () => {
    const { draw, table } = figureOf(dataset, "forest-live-total-longer");
    const rows = table?.rows.map((row) => row.map(shownOf)) ?? [];
    expect(rows).toHaveLength(12);
    expect(rows.slice(-2).map(([name, , , of]) => [name, of])).toEqual([
      ["these guests", "its moves, drawn anew"],
      ["guests like these", "guests, exact"],
    ]);
    const effects = rows.slice(0, 10).map(([, effect]) => Number(effect));
    // The value of the median guest is that of all.
    expect(Number(rows[11]?.[1])).toBeCloseTo(median(effects), 3);
    expect(rows[11]?.[2]).toMatch(/\(97\.9 %\)$/);
    // Marks stand at their values on a logarithmic axis: equal ratios are equally far apart.
    const dots = [
      ...draw(580).matchAll(/<path fill="var[^"]*" d="[^"]*" transform="translate\(([\d.]+),[\d.]+\)"/g),
    ].map(([, x]) => ({ x: Number(x) }));
    expect(dots).toHaveLength(12);
    const perLog = (a: number, b: number) =>
      ((dots[b]?.x ?? 0) - (dots[a]?.x ?? 0)) / Math.log((effects[b] as number) / (effects[a] as number));
    const [least, most] = [Math.min(...effects), Math.max(...effects)].map((one) => effects.indexOf(one));
    const scale = perLog(least as number, most as number);
    for (const [index, effect] of effects.entries()) {
      const expected = (dots[least as number]?.x ?? 0) + scale * Math.log(effect / Math.min(...effects));
      expect(Math.abs((dots[index]?.x ?? 0) - expected)).toBeLessThan(1);
    }
  });

  it("say of remaining memory what a pre-copy ends with: not nothing, but what the guest may be stopped for", () => {
    const { caption, table } = figureOf(dataset, "remaining");
    expect(caption.join(" ")).toContain("goes down to what fits into the greatest downtime");
    expect(table?.rows.every((row) => Number(shownOf(row[3])) > 0)).toBe(true);
  });

  it("are drawn in every width, with text of one size and without a colour of their own", () => {
    for (const figure of figuresOf(dataset)) {
      for (const width of [340, 580]) {
        const svg = figure.draw(width);
        expect(svg).toMatch(new RegExp(`^<svg[^>]*viewBox="0 0 ${width} `));
        expect(svg).toMatch(/^<svg[^>]* role="img"/);
        expect(svg).toMatch(/^<svg[^>]* aria-label="[^"]{20,}"/);
        expect(svg).toContain("font-size:12px");
        expect(svg).not.toMatch(/NaN|undefined|Infinity/);
        for (const [, color] of svg.matchAll(/(?:fill|stroke)="([^"]*)"/g)) {
          expect(color).toMatch(/^(var\(--(s\d|paper)\)|currentColor|none)$/);
        }
      }
    }
  });

  it.each([
    // d3 leaves some names out where decades are many; those that are there are the ticks'.
    { leastMs: 20, mostMs: 5000, ticks: [0.02, 0.1, 0.2, 1, 2] },
    { leastMs: 50, mostMs: 2500, ticks: [0.05, 0.1, 0.2, 0.5, 1, 2] },
  ])("name the ticks of a logarithmic axis from $leastMs ms to $mostMs ms", ({ leastMs, mostMs, ticks }) => {
    const offline = offlineRecord({
      ...{ totalMs: mostMs, downtimeMs: mostMs, memoryMiB: 1024 },
      phases: inAll(mostMs),
    });
    const texts = textsOf(figureOf(ofRecords(downFor(leastMs), offline), "figure-11").draw(580));
    expect(texts).toContain("↑ time (s), logarithmic");
    // Zero, and what is from 100 on, is memory: the other axis'.
    const named = texts.filter((text) => /^[\d.]+$/.test(text) && Number(text) > 0 && Number(text) < 100);
    expect(named).toEqual(ticks.map(String));
  });

  it("say what was measured in full, and place it by tenths of a pixel", () => {
    const svg = figureOf(ofRecords(downFor(2.34)), "timeline-precopy").draw(580);
    expect(svg).toMatch(/aria-label="[^"]*stop-and-copy 1\.17 ms/);
    expect(textsOf(svg)).toContain("1.17 ms");
    expect(svg.replaceAll(/ aria-label="[^"]*"|>[^<]*</g, "")).not.toMatch(/\d\.\d\d/);
  });

  it("are files of their own, without variables, that other programs read", () => {
    for (const figure of figuresOf(dataset)) {
      const svg = svgFile(figure);
      expect(svg).not.toMatch(/var\(|data-move/);
      const { svg: root } = create(svg).end({ format: "object" }) as unknown as {
        svg: Record<string, string>;
      };
      expect(root["@xmlns"]).toBe("http://www.w3.org/2000/svg");
      expect(svg).toContain(`<title>${escaped(figure.title)}</title>`);
    }
  });
});

describe("the first picture", () => {
  it("of a run has a bar for each cell, as long as its total, with its downtime at the end", () => {
    const dataset = ofRun(6);
    const [picture] = reportOf(dataset).picture;
    const { draw, table } = picture as Figure;
    const rows = table?.rows ?? [];
    expect(rows).toHaveLength(20);
    const barsOf = (fill: string) => {
      const [, group = ""] =
        new RegExp(`<g fill="${fill.replaceAll(/[()]/g, "\\$&")}"[^>]*>(.*?)</g>`, "s").exec(draw(580)) ?? [];
      return [...group.matchAll(/<rect[^>]*>/g)].map(([bar]) => ({
        x: Number(/ x="([\d.]+)"/.exec(bar)?.[1]),
        width: Number(/ width="([\d.]+)"/.exec(bar)?.[1]),
      }));
    };
    const [running, standing] = [barsOf("var(--s1)"), barsOf("var(--s2)")];
    expect(running).toHaveLength(20);
    expect(standing).toHaveLength(20);
    const value = (cell: unknown) => (cell as { sortsAs: number }).sortsAs;
    const perMs = ((running[0]?.width ?? 0) + (standing[0]?.width ?? 0)) / value(rows[0]?.[2]);
    for (const [index, row] of rows.entries()) {
      const [runs, still] = [running[index], standing[index]];
      expect(still?.x).toBeCloseTo((runs?.x ?? 0) + (runs?.width ?? 0), 0);
      expect(Math.abs((still?.width ?? 0) - value(row[3]) * perMs)).toBeLessThan(1);
    }
  });

  it("of two moves is their timelines, on one axis", () => {
    const report = reportOf(ofRecords(liveRecord(), offlineRecord()));
    expect(report.picture.map(({ id }) => id)).toEqual(["timeline-precopy", "timeline-offline"]);
    expect(figuresIn(report).map(({ id }) => id)).not.toContain("overview");
    const widths = report.picture.map(({ draw }) =>
      [...draw(580).matchAll(/<(?:rect|path)[^>]*data-move[^>]*>/g)].map(([bar]) =>
        Number(/ width="([\d.]+)"/.exec(bar)?.[1] ?? Number.NaN),
      ),
    );
    const sums = widths.map((own) => own.reduce((sum, width) => sum + width, 0));
    const [live, offline] = [liveRecord().totalMs, offlineRecord().totalMs];
    expect((sums[0] as number) / (sums[1] as number)).toBeCloseTo(live / offline, 1);
  });
});

describe("workloads that have the same memory", () => {
  it("stand in places of their own, named below", () => {
    const dataset = ofRun(3);
    for (const width of [340, 580]) {
      const svg = figureOf(dataset, "figure-12").draw(width);
      const texts = textsOf(svg);
      for (const name of ["python", "idle", "mysql", "office", "writer"])
        expect(
          texts.filter((text) => text === name),
          name,
        ).toHaveLength(1);
      const marks = marksOf(svg);
      const xs = (guest: string) =>
        marks.filter(({ move }) => dataset.moves[move - 1]?.record.guest === guest).map(({ x }) => x);
      const guests = ["python-6", "idle-7", "mysql-8", "office-9", "writer-10"];
      const spans = guests.map((guest) => [Math.min(...xs(guest)), Math.max(...xs(guest))] as const);
      const sorted = spans.toSorted(([a], [b]) => a - b);
      for (const [index, [, most]] of sorted.entries())
        expect(most).toBeLessThan(sorted[index + 1]?.[0] ?? Number.POSITIVE_INFINITY);
    }
  });
});

describe("a difference from the hypervisor's downtime", () => {
  it("stands where it is, with its mean", () => {
    const seen = (guestDowntimeMs: number) =>
      liveRecord({
        guestDowntimeMs,
        guestClockResolutionMs: 0.5,
        startedAt: new Date(guestDowntimeMs).toISOString(),
      });
    const downtimeMs = liveRecord().downtimeMs as number;
    const off = [1, 3, 8];
    const { draw, table } = figureOf(
      ofRecords(...off.map((one) => seen(downtimeMs + one))),
      "difference-guest-clock",
    );
    expect(table?.rows[0]?.map(shownOf).slice(0, 3)).toEqual(["live", "3", "4.0"]);
    const ys = marksOf(draw(580)).map(({ y }) => y);
    const perMs = ((ys[0] as number) - (ys[1] as number)) / 2;
    expect(perMs).toBeGreaterThan(0);
    expect((ys[1] as number) - (ys[2] as number)).toBeCloseTo(5 * perMs, 0);
  });
});

describe("the timeline of an offline move", () => {
  it("says where the guest stops and starts, instead of taking all of it for downtime", () => {
    const { caption, table } = figureOf(ofRecords(offlineRecord()), "timeline-offline");
    expect(table?.rows.map(([phase, , , , guest]) => [phase, guest])).toEqual([
      ["suspend", "stops in it"],
      ["copy", "stands still"],
      ["resume", "starts in it"],
    ]);
    const { totalMs, downtimeMs } = offlineRecord();
    expect(caption.join(" ")).toContain(`runs for ${(totalMs - (downtimeMs as number)).toFixed(1)} ms`);
  });
});

describe("the timeline of an offline move that knows when the guest stopped and ran again", () => {
  it("is cut there: in one phase it runs at first, in another at the end", () => {
    const record = offlineRecord({ stop: { stoppedMs: 20, resumedMs: 3170 } });
    const { caption, draw, table } = figureOf(ofRecords(record), "timeline-offline");
    expect(table?.rows.map((row) => row.map(shownOf))).toEqual([
      ["suspend", "0", "20.0", "20.0", "runs"],
      ["suspend", "20.0", "500", "480", "stands still"],
      ["copy", "500", "1\u202f800", "1\u202f300", "stands still"],
      ["resume", "1\u202f800", "3\u202f170", "1\u202f370", "stands still"],
      ["resume", "3\u202f170", "3\u202f200", "30.0", "runs"],
    ]);
    expect(caption.join(" ")).toContain("stop at 20.0 ms and run at the destination from 3\u202f170 ms on.");
    const svg = draw(580);
    // A phase has one figure for all of it.
    for (const took of ["500 ms", "1\u202f300 ms", "1\u202f400 ms"]) expect(svg).toContain(`>${took}<`);
    expect(svg).not.toContain(">480 ms<");
    expect(svg).not.toContain("stops or starts in it");
  });
});

describe("the timeline of a cold move", () => {
  it("has a guest that runs until it is off, as its downtime has it", () => {
    const record = coldRecord({ downtimeMs: 81_000 });
    const { caption, draw, table } = figureOf(ofRecords(record), "timeline-cold");
    const rows = table?.rows.map((row) => row.map(shownOf)) ?? [];
    expect(rows.map(([phase, , , , guest]) => [phase, guest])).toEqual([
      ["shutdown", "runs"],
      ["define", "stands still"],
      ["start", "stands still"],
    ]);
    const stillMs = record.phases.slice(1).reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
    expect(record.downtimeMs).toBe(stillMs);
    const bars = draw(580).match(/<(?:rect|path)[^>]*data-move[^>]*>/g) ?? [];
    expect(bars.map((bar) => /fill="([^"]*)"/.exec(bar)?.[1])).toEqual([
      "var(--s1)",
      "var(--s2)",
      "var(--s2)",
    ]);
    expect(caption.join(" ")).toContain("In shutdown the guest runs until it is off");
  });
});

describe("a figure of what was not measured", () => {
  it("is not there", () => {
    expect(figuresOf(ofRecords())).toEqual([]);
    expect(figuresOf(ofRecords(coldRecord())).map(({ id }) => id)).toEqual(["timeline-cold"]);
    expect(figuresOf(ofRecords(offlineRecord())).map(({ id }) => id)).not.toContain("difference-client");
  });

  it("has no point for a record without it, and none for one that does not add up", () => {
    const records = [
      liveRecord({ guest: "a", clientDowntimeMs: 120, clientProbeIntervalMs: 5 }),
      liveRecord({ guest: "b", memoryMiB: 1024 }),
      liveRecord({ guest: "c", downtimeMs: 1e6 }),
      liveRecord({ guest: "d", outcome: "failed", error: "gone" }),
    ];
    const dataset = ofRecords(...records);
    expect(marksOf(figureOf(dataset, "figure-10").draw(580)).map(({ move }) => move)).toEqual([1, 2]);
    expect(
      new Set(marksOf(figureOf(dataset, "difference-client").draw(580)).map(({ move }) => move)),
    ).toEqual(new Set([1]));
    const { sections } = reportOf(dataset);
    expect(
      sections.find(({ id }) => id === "left-out")?.tables[0]?.rows.map((row) => row.map(shownOf)),
    ).toEqual([
      [
        "lab.jsonl",
        "3",
        "move 3 is in no figure",
        expect.stringContaining("it does not add up: TDT = 1000000 ms"),
      ],
    ]);
    expect(sections.find(({ id }) => id === "failed-moves")?.tables[0]?.rows[0]?.map(shownOf)).toEqual([
      "live",
      "failed",
      "1",
      "4",
      "gone",
    ]);
  });

  it("has least and most beside an interval only where they say more than that", () => {
    const columns = (repeats: number) =>
      figureOf(ofRun(repeats), "figure-9")
        .table?.columns.map(({ name }) => name)
        .slice(-2);
    expect(columns(5)).toEqual(["to", "confidence"]);
    expect(columns(9)).toEqual(["least", "most"]);
  });

  it("has no interval where there are too few moves", () => {
    const { table } = figureOf(ofRecords(liveRecord(), liveRecord({ memoryMiB: 1024 })), "figure-9");
    expect(table?.rows[0]?.slice(4, 7)).toEqual([undefined, undefined, undefined]);
  });
});

describe("figures of very many moves", () => {
  it("thin their points, and say so", () => {
    const { caption, draw, table } = figureOf(ofRun(60), "figure-9");
    const shown = marksOf(draw(580)).length;
    expect(shown).toBeLessThanOrEqual(500);
    expect(shown).toBeGreaterThan(400);
    expect(caption.join(" ")).toContain(`Of 600 points ${shown} are drawn`);
    expect(table?.rows.map((row) => shownOf(row[2]))).toEqual(Array.from({ length: 10 }, () => "60"));
  });

  it("keep the least and the greatest of each cell, and all where there is room", () => {
    const groups = fc.array(fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 40 }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(groups, fc.integer({ min: 1, max: 60 }), (all, most) => {
        const left = thinned(all, (value) => value, most);
        const count = all.flat().length;
        expect(left.flat().length).toBeLessThanOrEqual(most + 2 * all.length);
        for (const [index, group] of all.entries()) {
          const kept = left[index] as number[];
          expect(Math.min(...kept)).toBe(Math.min(...group));
          expect(Math.max(...kept)).toBe(Math.max(...group));
          expect(group).toEqual(expect.arrayContaining(kept));
          if (count <= most) expect(kept).toEqual(group);
        }
      }),
    );
  });
});
