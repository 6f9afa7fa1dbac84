import { expect, test } from "vitest";
import { programSet } from "../../../images/programs.ts";
import {
  isPublishedFile,
  published,
  publishedFile,
  publishedNames,
  sumOf,
} from "../../../images/published.ts";
import {
  chooseAuto,
  debianFile,
  parseSource,
  programsIn,
  urlFile,
  withPrograms,
} from "../../../images/source.ts";

const sumA = "a".repeat(64);
const sumB = "b".repeat(64);

test("a source is a name, a URL or a path", () => {
  expect(parseSource("auto")).toEqual({ kind: "auto" });
  expect(parseSource("ubuntu-24.04")).toEqual({ kind: "release", name: "ubuntu-24.04" });
  expect(parseSource("ubuntu-26.04")).toEqual({ kind: "release", name: "ubuntu-26.04" });
  expect(parseSource("debian-13")).toEqual({ kind: "release", name: "debian-13" });
  expect(parseSource("debian-12")).toEqual({ kind: "build", name: "debian-12" });
  expect(parseSource("https://example.org/a.img")).toEqual({ kind: "url", url: "https://example.org/a.img" });
  expect(parseSource("/srv/a.qcow2")).toEqual({ kind: "path", path: "/srv/a.qcow2" });
  expect(parseSource("./a.qcow2")).toEqual({ kind: "path", path: `${process.cwd()}/a.qcow2` });
  expect(parseSource("~/a.qcow2")).toEqual({ kind: "path", path: `${process.env.HOME}/a.qcow2` });
});

test("a file's sum is found in SHA256SUMS by its whole name", () => {
  const sums = `${sumA} *noble-amd64.img\n${sumB}  noble-amd64.img.xz\n`;
  expect(sumOf("noble-amd64.img", sums)).toBe(sumA);
  expect(sumOf("noble-amd64.img.xz", sums)).toBe(sumB);
  expect(sumOf("noble", sums)).toBeUndefined();
  expect(sumOf("noble-amd64.img", "<html>not found</html>")).toBeUndefined();
  // A shorter sum than its kind has is none.
  expect(sumOf("noble-amd64.img", sums, "sha512")).toBeUndefined();
  expect(sumOf("trixie.qcow2", `${sumA}${sumB}  trixie.qcow2\n`, "sha512")).toBe(sumA + sumB);
});

test("auto is Ubuntu where it can be had, and says why it is not", () => {
  expect(chooseAuto({ cached: false }).name).toBe("ubuntu-24.04");
  expect(chooseAuto({ cached: true, unreachable: "no route" }).name).toBe("ubuntu-24.04");
  const debian = chooseAuto({ cached: false, unreachable: "no route" });
  expect(debian.name).toBe("debian-12");
  expect(debian.because).toContain("no route");
});

test("names in the cache tell what a file was made from", () => {
  for (const name of publishedNames) {
    const image = published[name];
    const file = publishedFile(image, sumA);
    expect(publishedNames.filter((other) => isPublishedFile(published[other], file))).toEqual([name]);
    expect(isPublishedFile(image, `${file}.part`)).toBe(false);
    expect(isPublishedFile(image, debianFile(sumA))).toBe(false);
    expect(isPublishedFile(image, debianFile(sumA, ["mysql"]))).toBe(false);
  }
  expect(urlFile("https://example.org/x.img")).not.toBe(urlFile("https://example.net/x.img"));
  expect(urlFile("https://example.org/x.img", sumA)).not.toBe(urlFile("https://example.org/x.img", sumB));
  expect(urlFile("https://example.org/x.img", "A".repeat(64))).toBe(
    urlFile("https://example.org/x.img", sumA),
  );
  expect(urlFile("https://example.org/a%20b/../")).toMatch(/^url-[0-9a-f]{12}-[\w.-]+$/);
});

test("an image that was built here tells by its name what it was built with", () => {
  for (const programs of [[], ["mysql"], ["mysql", "office"]]) {
    expect(programsIn(debianFile(sumA, programs))).toEqual(programs);
  }
  for (const other of [
    publishedFile(published["debian-13"], sumA),
    "url-0123456789ab-mysql.qcow2",
    "debian-12-mysql.qcow2",
  ]) {
    expect(programsIn(other)).toEqual([]);
  }
});

test("in whatever order programs are said, the image is the same", () => {
  expect(programSet(["office", "mysql", "office"])).toEqual(programSet(["mysql", "office"]));
});

test("auto is Debian where programs are wanted in it; other sources stay what they are", () => {
  const debian = { kind: "build", name: "debian-12" };
  expect(withPrograms(parseSource("auto"), ["mysql"])).toEqual(debian);
  expect(withPrograms(parseSource("auto"), [])).toEqual({ kind: "auto" });
  expect(withPrograms(parseSource("ubuntu-24.04"), ["mysql"])).toEqual(parseSource("ubuntu-24.04"));
});
