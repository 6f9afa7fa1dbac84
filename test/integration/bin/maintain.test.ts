import { execa } from "execa";
import { expect, it } from "vitest";

const maintain = (...args: string[]) =>
  execa(process.execPath, ["bin/maintain.ts", ...args], { reject: false });

it.each([
  [["lab"], "required option '--each <command>'"],
  [["--each", "reboot"], "missing required argument 'stack'"],
  [["lab", "--each", "reboot", "--wait", "0"], "It takes minutes, more than 0"],
  [["lab", "--each", "reboot", "--host", "host1"], "(Did you mean --hosts?)"],
])("npm run maintain refuses %j before anything is touched", async (args, message) => {
  const { stderr, stdout, exitCode } = await maintain(...args);
  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
  expect(stderr).toContain(message);
});
