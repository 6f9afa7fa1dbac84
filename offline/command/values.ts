// Pulumi's property values as they travel over gRPC: JSON with marks for what JSON cannot say.

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const assetSignature = "c44067f5952c0a294b673a41bacd8c17";
const archiveSignature = "0def7320c3a5731c473e5ecbe6d01bc7";

/** What stands for a value that is not known before the update: one for each type a value may have. */
const unknowns: ReadonlySet<unknown> = new Set([
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9", // string
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // bool
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // array
  "030794c1-ac77-496b-92df-f27374a8bd58", // asset
  "e48ece36-62e2-4504-bad9-02848725956a", // archive
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

/** A value as it stands in a message; marks included. */
export type Wire = null | boolean | number | string | Wire[] | { [key: string]: Wire };

/** A resource's properties as they stand in a message. */
export type WireProperties = Record<string, Wire>;

/** An unknown string, for outputs that only the update can tell. */
export const unknownString: Wire = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** An asset or archive, as far as it can be copied to a host. */
type Asset =
  | { readonly kind: "asset" | "archive"; readonly path: string; readonly hash: string }
  | { readonly kind: "asset"; readonly text: string; readonly hash: string };

export function secret(value: Wire): Wire {
  return isMarked(value, secretSignature) ? value : { [signatureKey]: secretSignature, value };
}

/** The value without any secret's mark, at every depth. */
export function plain(value: Wire): Wire {
  if (isMarked(value, secretSignature)) return plain(value.value ?? null);
  if (Array.isArray(value)) return value.map(plain);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, plain(v)]));
  return value;
}

export function hasSecret(value: Wire | undefined): boolean {
  return some(value, (v) => isMarked(v, secretSignature));
}

export function holdsUnknown(value: Wire | undefined): boolean {
  return some(value, (v) => unknowns.has(v));
}

/** Reads an asset or archive; undefined if the value is neither, or one whose content is not here (a URL, an assembled archive). */
export function asAsset(value: Wire): Asset | undefined {
  const kind = isMarked(value, assetSignature)
    ? "asset"
    : isMarked(value, archiveSignature)
      ? "archive"
      : undefined;
  if (kind === undefined || !isObject(value)) return undefined;
  const hash = typeof value.hash === "string" ? value.hash : "";
  if (typeof value.path === "string" && value.path !== "") return { kind, path: value.path, hash };
  if (kind === "asset" && typeof value.text === "string") return { kind, text: value.text, hash };
  return undefined;
}

/** How a property changed, between two sets of properties. */
type Change = "add" | "delete" | "update";

/**
 * The paths at which two values differ, such as `environment.PATH` or `triggers[1]`; being secret is no difference.
 * What is unknown counts as changed. An asset is one value, however it is written.
 */
export function changes(olds: WireProperties, news: WireProperties): Map<string, Change> {
  const found = new Map<string, Change>();
  const compare = (path: string, before: Wire | undefined, after: Wire | undefined) => {
    const old = before ?? undefined; // null and absent are the same to Pulumi
    const now = after ?? undefined;
    if (old === undefined && now === undefined) return;
    if (old === undefined) found.set(path, "add");
    else if (now === undefined) found.set(path, "delete");
    else if (Array.isArray(old) && Array.isArray(now)) {
      for (let i = 0; i < Math.max(old.length, now.length); i++) compare(`${path}[${i}]`, old[i], now[i]);
    } else if (isObject(old) && isObject(now) && !(signatureKey in old) && !(signatureKey in now)) {
      for (const key of new Set([...Object.keys(old), ...Object.keys(now)]))
        compare(path === "" ? key : `${path}${pathStep(key)}`, old[key], now[key]);
    } else if (holdsUnknown(now) || !sameLeaf(old, now)) found.set(path, "update");
  };
  compare("", plain(olds), plain(news));
  return found;
}

function sameLeaf(a: Wire, b: Wire): boolean {
  const [assetA, assetB] = [asAsset(a), asAsset(b)];
  if (assetA !== undefined && assetB !== undefined && assetA.hash !== "" && assetB.hash !== "")
    return assetA.kind === assetB.kind && assetA.hash === assetB.hash;
  return JSON.stringify(a) === JSON.stringify(b);
}

function pathStep(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function isObject(value: Wire | undefined): value is { [key: string]: Wire } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isMarked(value: Wire | undefined, signature: string): value is { [key: string]: Wire } {
  return isObject(value) && value[signatureKey] === signature;
}

function some(value: Wire | undefined, test: (value: Wire) => boolean): boolean {
  if (value === undefined) return false;
  if (test(value)) return true;
  if (Array.isArray(value)) return value.some((v) => some(v, test));
  return isObject(value) && Object.values(value).some((v) => some(v, test));
}
