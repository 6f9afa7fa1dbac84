import { accessSync, constants, statSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { parseStackConfig } from "../checks/parse.ts";
import type { StackConfig } from "../config.ts";
import { checkFiles } from "../files.ts";
import { namespace, StackConfigError } from "../mistake.ts";
import { valuesOf } from "../values.ts";

/**
 * The config of the stack that this Pulumi program runs for, checked, with its defaults, and the files that it names
 * found. A password is plain text in it: make it a secret before a resource gets it.
 *
 * @throws pulumi.RunError with all mistakes as its message, which the CLI shows without a stack trace
 */
export function readStackConfig(): StackConfig {
  try {
    const config = checkedConfig(valuesOf(pulumi.runtime.allConfig()), pulumi.getStack());
    if (hasPlainPassword(config, isSecret(`${namespace}:guests`)))
      pulumi.log.warn(
        "A guest's VNC password is in the stack's file in plain text. Set it with: pulumi config set --secret --path 'testbed:guests[0].vnc.password'",
      );
    return config;
  } catch (error) {
    throw error instanceof StackConfigError ? new pulumi.RunError(error.message) : error;
  }
}

/**
 * A stack's config, checked, with its defaults, and the files that it names found.
 *
 * @throws StackConfigError
 */
export function checkedConfig(raw: unknown, stack: string): StackConfig {
  const config = parseStackConfig(raw, stack);
  const missing = checkFiles(config, isReadableFile);
  if (missing.length > 0) throw new StackConfigError(missing);
  return config;
}

/** Pulumi's own function, which its types leave out. */
const isSecret = (key: string): boolean =>
  (pulumi.runtime as unknown as { isConfigSecret(key: string): boolean }).isConfigSecret(key);

/** The lab's displays are for this machine alone. Of several guests' passwords one may be a secret; that is not told apart. */
export const hasPlainPassword = ({ lab, guests }: StackConfig, areSecret: boolean): boolean =>
  lab === undefined && !areSecret && guests.some(({ vnc }) => vnc?.password !== undefined);

function isReadableFile(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
