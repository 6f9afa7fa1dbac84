import { spawnSync } from "node:child_process";
import { SaidAlready } from "./command.ts";

/**
 * Sets the machine up as far as the command that runs needs it (bin/setup, which says what it does); nothing is done where bin/run has not
 * left that to the command. To be called once nothing can be wrong any more in what the command was asked.
 *
 * @throws SaidAlready when that fails
 */
export function setUp(): void {
  const options = process.env.KVM_MIGRATION_TESTBED_SETUP;
  if (options === undefined) return;
  delete process.env.KVM_MIGRATION_TESTBED_SETUP;
  const { status } = spawnSync("sh", ["bin/setup", ...options.split(" ").filter(Boolean)], {
    stdio: "inherit",
  });
  if (status !== 0) throw new SaidAlready();
}
