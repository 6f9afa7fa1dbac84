// A display that listens on all of a network has a password.
import { type Mistake, mistake, pathText } from "../mistake.ts";
import { type Draft, guestsOf } from "./draft.ts";

export function vncPasswords(draft: Draft): Mistake[] {
  return guestsOf(draft).flatMap(({ entry: { vnc }, title, path }) => {
    if (vnc?.listen !== "0.0.0.0" || "password" in vnc) return [];
    const at = [...path, "vnc", "password"];
    const command = `pulumi config set --secret --path '${pathText(at)}'`;
    return [
      mistake(
        at,
        `is missing: the display of ${title} would be open to the whole network`,
        `set one (${command}), or listen: 127.0.0.1`,
      ),
    ];
  });
}
