import { runtime } from "@pulumi/pulumi";

// Pulumi hands secrets to a plugin as what they are wrapped in. The engine is given plain values; what it returns is wrapped again.

/** A value with the secrets in it in plain text. */
export const withoutSecrets = (value: unknown): unknown => {
  if (runtime.isRpcSecret(value)) return withoutSecrets(runtime.unwrapRpcSecret(value));
  if (Array.isArray(value)) return value.map(withoutSecrets);
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, of]) => [key, withoutSecrets(of)]))
    : value;
};

const hasSecret = (value: unknown): boolean =>
  runtime.isRpcSecret(value) ||
  (typeof value === "object" && value !== null && Object.values(value).some(hasSecret));

/** The properties that are secret, or have a secret in them. */
export const secretKeys = (properties: object): string[] =>
  Object.entries(properties).flatMap(([key, value]) => (hasSecret(value) ? [key] : []));

/** The same properties, some of which are secret. */
export const withSecrets = <T extends object>(properties: T, keys: readonly string[]): T =>
  Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [key, keys.includes(key) ? secret(value) : value]),
  ) as T;

const secret = (value: unknown) => ({ [runtime.specialSigKey]: runtime.specialSecretSig, value });
