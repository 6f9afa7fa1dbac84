import { namespace } from "./mistake.ts";

/**
 * The keys under `testbed:` with their values, of a stack's whole config: a misspelt key shows up there alone. Values are texts, JSON if the
 * stack file has a list or a group there; secret ones are decrypted, wherever inside they are.
 */
export function valuesOf(config: Readonly<Record<string, string>>): Record<string, unknown> {
  const own = Object.entries(config).filter(([key]) => key.startsWith(`${namespace}:`));
  return Object.fromEntries(own.map(([key, text]) => [key.slice(namespace.length + 1), structured(text)]));
}

function structured(text: string): unknown {
  // A key without a value.
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
