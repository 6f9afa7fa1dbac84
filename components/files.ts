import { join, relative } from "node:path";

/**
 * A file of this project, as seen from the folder in which Pulumi runs the program and its plugins. Commands name
 * their scripts so, and the state they are kept in works from another checkout.
 */
export function projectFile(...path: string[]): string {
  return relative(process.cwd(), join(import.meta.dirname, "..", ...path));
}
