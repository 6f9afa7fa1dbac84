/** By a name, the names it points to. */
export type Arrows = Readonly<Record<string, readonly string[]>>;

const [boxWidth, boxHeight, gapX, gapY, margin] = [104, 30, 24, 46, 16];

/** The most arrows from a name to one without arrows: high ones use low ones. */
function heights(arrows: Arrows): Map<string, number> {
  const found = new Map<string, number>();
  const heightOf = (name: string): number => {
    const known = found.get(name);
    if (known !== undefined) return known;
    const height = Math.max(-1, ...(arrows[name] ?? []).map(heightOf)) + 1;
    found.set(name, height);
    return height;
  };
  for (const name of Object.keys(arrows)) heightOf(name);
  return found;
}

/** Without the arrows that a longer path already implies. */
function reduced(arrows: Arrows): Arrows {
  const reaches = (from: string, to: string): boolean =>
    (arrows[from] ?? []).some((next) => next === to || reaches(next, to));
  return Object.fromEntries(
    Object.entries(arrows).map(([name, targets]) => [
      name,
      targets.filter((target) => !targets.some((other) => other !== target && reaches(other, target))),
    ]),
  );
}

/** A box, or a point in a row that an arrow to a lower one passes. */
interface Spot {
  name?: string;
  row: number;
  x: number;
  below: Spot[];
}

/** Boxes in rows, high ones above; an arrow that follows from others is not drawn. There must be no circle. */
export function picture(arrows: Arrows, title: string): string {
  const rows = arranged(arrows);
  const width = Math.max(...rows.map(widthOf)) + 2 * margin;
  const total = rows.length * (boxHeight + gapY) - gapY + 2 * margin;
  for (const row of rows) {
    let x = (width - widthOf(row)) / 2;
    for (const spot of row) {
      spot.x = x + spotWidth(spot) / 2;
      x += spotWidth(spot) + gapX;
    }
  }

  const top = ({ row }: Spot): number => total - margin - boxHeight - row * (boxHeight + gapY);
  const curve = (from: Spot, to: Spot): string => {
    const [fromY, toY] = [top(from) + boxHeight, top(to) - (to.name === undefined ? 0 : 5)];
    const bend = `C${at(from.x)} ${at(fromY + 24)} ${at(to.x)} ${at(toY - 24)} ${at(to.x)} ${at(toY)}`;
    return to.name === undefined
      ? `${bend} v${boxHeight} ${to.below.map((next) => curve(to, next)).join("")}`
      : bend;
  };
  const boxes = rows.flat().filter(({ name }) => name !== undefined);
  const lines = boxes.flatMap((box) =>
    box.below.map((to) => `<path d="M${at(box.x)} ${at(top(box) + boxHeight)} ${curve(box, to)}"/>`),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${at(width)} ${total}" width="${at(width)}" height="${total}" role="img">`,
    `<title>${title}</title>`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#57606a"/></marker></defs>',
    `<rect width="${at(width)}" height="${total}" fill="#fff"/>`,
    '<g fill="none" stroke="#8c959f" marker-end="url(#tip)">',
    ...lines,
    "</g>",
    '<g fill="#f6f8fa" stroke="#57606a" font-family="sans-serif" font-size="13" text-anchor="middle">',
    ...boxes.map(
      (box) =>
        `<rect x="${at(box.x - boxWidth / 2)}" y="${at(top(box))}" width="${boxWidth}" height="${boxHeight}" rx="4"/>` +
        `<text fill="#1f2328" stroke="none" x="${at(box.x)}" y="${at(top(box) + 20)}">${box.name?.replace(/^.*\//, "")}</text>`,
    ),
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

/** The rows from below, each in an order in which few arrows cross. */
function arranged(arrows: Arrows): Spot[][] {
  const rowOf = heights(arrows);
  const spots = new Map(
    [...rowOf].map(([name, row]): [string, Spot] => [name, { name, row, x: 0, below: [] }]),
  );
  const rows: Spot[][] = [];
  const put = (spot: Spot): Spot => {
    rows[spot.row] = [...(rows[spot.row] ?? []), spot];
    return spot;
  };
  for (const spot of spots.values()) put(spot);
  for (const [name, targets] of Object.entries(reduced(arrows))) {
    for (const target of targets) {
      let above = spots.get(name) as Spot;
      const last = spots.get(target) as Spot;
      while (above.row > last.row + 1) {
        const point = put({ row: above.row - 1, x: 0, below: [] });
        above.below.push(point);
        above = point;
      }
      above.below.push(last);
    }
  }
  const mean = (some: readonly Spot[]): number => some.reduce((sum, { x }) => sum + x, 0) / some.length;
  const sorted = (row: readonly Spot[], next: (spot: Spot) => readonly Spot[]): Spot[] => {
    for (const spot of row) if (next(spot).length > 0) spot.x = mean(next(spot));
    return row.toSorted((one, other) => one.x - other.x);
  };
  const spread = (row: readonly Spot[]): void => {
    for (const [index, spot] of row.entries()) spot.x = (index + 0.5) / row.length;
  };
  for (const row of rows) spread(row);
  // Down and up again, until it hardly changes.
  for (let sweep = 0; sweep < 12; sweep++) {
    const isDown = sweep % 2 === 0;
    for (const row of isDown ? [...rows.keys()].reverse() : rows.keys()) {
      const above = rows[row + 1] ?? [];
      const next = isDown
        ? (spot: Spot) => above.filter(({ below }) => below.includes(spot))
        : (spot: Spot) => spot.below;
      const order = sorted(rows[row] as Spot[], next);
      rows[row] = order;
      spread(order);
    }
  }
  return rows;
}

const spotWidth = ({ name }: Spot): number => (name === undefined ? 0 : boxWidth);
const widthOf = (row: readonly Spot[]): number =>
  row.reduce((sum, spot) => sum + spotWidth(spot) + gapX, -gapX);

const at = (pixels: number): number => Math.round(pixels * 10) / 10;
