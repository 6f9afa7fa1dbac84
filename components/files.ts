import { extname, join, relative } from "node:path";

/**
 * A file of this project, as seen from the folder in which Pulumi runs the program and its plugins. Commands name their scripts like this,
 * so their state works from another checkout.
 */
export function projectFile(...path: string[]): string {
  return relative(process.cwd(), join(import.meta.dirname, "..", ...path));
}

/** A program of this project for Node, by its name without an extension: a `.ts` file here, `.js` in the package that others install. */
export function projectProgram(...path: string[]): string {
  return projectFile(...path) + extname(import.meta.filename);
}
