import { execa } from "execa";

/** Sets a list in a stack's config, under `testbed:`, whatever was there. Throws with what Pulumi says. */
export async function setList(stack: string, key: string, values: readonly string[]): Promise<void> {
  const config = (...args: string[]) =>
    execa("sh", ["bin/pulumi", "config", ...args, "--stack", stack], { reject: false });
  await config("rm", "--path", `testbed:${key}`);
  for (const [index, value] of values.entries()) {
    const { exitCode, stderr } = await config("set", "--path", `testbed:${key}[${index}]`, value);
    if (exitCode !== 0) throw new Error(`testbed:${key} could not be set: ${stderr}`);
  }
}
