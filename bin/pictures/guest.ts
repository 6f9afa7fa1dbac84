import { readFile, writeFile } from "node:fs/promises";
import { readDataset } from "../../report/data/dataset.ts";
import { readSeries } from "../../report/data/series.ts";
import { throughFigures } from "../../report/figures/through.ts";
import { svgFile } from "../../report/page/svg-file.ts";

// npm run picture:guest: what a guest went through in a move, for the README.

export const picturePath = "docs/guest.svg";

/** Of the move, and its series, that are in docs/guest. */
export async function guestPicture(): Promise<string> {
  const [figure] = throughFigures(await readSeries(await readDataset(["docs/guest/live.jsonl"])));
  if (!figure) throw new Error("docs/guest has no move with series");
  const paper = /--paper: (#[0-9a-f]+);/.exec(await readFile("report/page/style.css", "utf8"))?.[1];
  // A reader's page may be dark.
  return svgFile(figure).replace('style="', `style="background:${paper};`);
}

if (import.meta.main) {
  await writeFile(picturePath, await guestPicture());
  console.log(`${picturePath} is made of docs/guest`);
}
