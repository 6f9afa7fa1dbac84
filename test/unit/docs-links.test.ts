import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const project = join(import.meta.dirname, "../..");
const pages = globSync("**/*.md", {
  cwd: project,
  exclude: (path) => /^(node_modules|sdks|build|results|\.testbed)(\/|$)/.test(path),
});
const textOf = (page: string) => readFileSync(join(project, page), "utf8");
const withoutCode = (text: string) =>
  text.replace(/^ *```[\s\S]*?^ *```/gm, "").replace(/<!--[\s\S]*?-->/g, "");

/** What GitHub calls a heading's place in its page. */
const anchorOf = (heading: string) =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\- _]/gu, "")
    .trim()
    .replaceAll(" ", "-");
const anchorsOf = (page: string) =>
  [...withoutCode(textOf(page)).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading as string));

/** Where a link within the project leads, and why that is nowhere. */
function problemOf(page: string, link: string): string | undefined {
  const [path, anchor] = decodeURI(link).split("#") as [string, string?];
  const target = path === "" ? page : join(dirname(page), path);
  if (!existsSync(join(project, target))) return "there is no such file";
  if (anchor === undefined || !target.endsWith(".md")) return undefined;
  return anchorsOf(target).includes(anchor) ? undefined : `${target} has no such heading`;
}

test("the pages are found", () => {
  expect(pages).toEqual(
    expect.arrayContaining(["README.md", "CONTRIBUTING.md", "docs/modes.md", "fleet/README.md"]),
  );
  expect(anchorsOf("docs/hosts.md")).toContain("one-machine-one-testbed");
  expect(problemOf("docs/hosts.md", "nowhere.md")).toBe("there is no such file");
  expect(problemOf("docs/hosts.md", "storage.md#nowhere")).toBe("docs/storage.md has no such heading");
});

test.each(pages)("each link of %s leads somewhere", (page) => {
  const links = [...withoutCode(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link as string);
  const broken = links
    .filter((link) => !/^[a-z]+:/.test(link))
    .flatMap((link) => {
      const problem = problemOf(page, link);
      return problem === undefined ? [] : [`${link}: ${problem}`];
    });
  expect(broken).toEqual([]);
});
