// An image that can be told from another one: by its name, or by a checksum.
import { imageNames } from "../config.ts";
import { type Mistake, mistake } from "../mistake.ts";
import type { Draft } from "./draft.ts";

export function image({ image }: Draft): Mistake[] {
  const source = image?.source ?? "auto";
  const isNamed = (imageNames as readonly string[]).includes(source);
  if (isNamed && image?.sha256 !== undefined) {
    const fix = "leave it out, or give the image's path or URL as source";
    return [mistake(["image", "sha256"], `"${source}" comes with its own checksum`, fix)];
  }
  if (source.startsWith("http:") && image?.sha256 === undefined) {
    return [
      mistake(
        ["image", "sha256"],
        "is missing: an image over plain http can be changed on its way",
        "give it, or an https URL",
      ),
    ];
  }
  return [];
}
