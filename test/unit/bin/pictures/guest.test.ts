import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { guestPicture, picturePath } from "../../../../bin/pictures/guest.ts";

test("the README's picture of what a guest went through is that of the move in docs/guest", async () => {
  expect(await readFile(picturePath, "utf8")).toBe(await guestPicture());
});
