import { expect, test, vi } from "vitest";
import { CommandError, Output } from "../../../../offline/command/output.ts";
import {
  type Context,
  changedInputs,
  createResource,
  newId,
  removeResource,
  updateResource,
} from "../../../../offline/command/resources.ts";
import { checkInputs } from "../../../../offline/command/schema.ts";
import {
  hasSecret,
  plain,
  secret,
  unknownString,
  type WireProperties,
} from "../../../../offline/command/values.ts";

const local = "command:local:Command";
const remote = "command:remote:Command";

function context() {
  const lines: string[] = [];
  const given = {
    lines,
    progress: (line: string) => void lines.push(line),
    warn: vi.fn(),
    signal: new AbortController().signal,
  };
  return given satisfies Context;
}

test("inputs are checked all at once, each mistake with its path", () => {
  const { failures } = checkInputs(remote, {
    connection: { host: 1, prot: 22 },
    create: ["true"],
    triggers: [null, { a: 1 }],
    dir: "/",
  } as WireProperties);
  expect(failures.map(({ property }) => property).sort()).toEqual([
    "connection.host",
    "connection.prot",
    "create",
    "dir",
  ]);
  expect(failures.find(({ property }) => property === "dir")?.reason).toBe(`${remote} has no such property`);
});

test("what is missing is said, what is not known yet is not judged", () => {
  expect(checkInputs(remote, {}).failures).toEqual([{ property: "connection", reason: expect.anything() }]);
  expect(checkInputs(remote, { connection: { host: unknownString } }).failures).toEqual([]);
  expect(
    checkInputs(local, { environment: { A: unknownString, B: "x" }, create: secret("true") }).failures,
  ).toEqual([]);
});

test("the inputs keep their secrets, and get the default that belongs into the state", () => {
  const { inputs } = checkInputs(local, { create: secret("true") });
  expect(inputs).toEqual({ create: secret("true"), addPreviousOutputInEnv: true });
});

test("a preview of a create runs nothing and knows no output", async () => {
  const properties = await createResource(local, { create: "exit 1" }, true, context());
  expect(properties).toEqual({ create: "exit 1", stdout: unknownString, stderr: unknownString });
});

test("a preview of an update knows the outputs unless an input changed", async () => {
  const olds = { create: "echo", stdout: "a", stderr: "b" };
  expect(await updateResource(local, olds, { create: "echo" }, true, context())).toEqual(olds);
  expect(await updateResource(local, olds, { create: "other" }, true, context())).toMatchObject({
    stdout: unknownString,
  });
});

test("update runs update, else create again; delete runs delete; each knows what the last one wrote", async () => {
  const olds = { stdout: "before", stderr: "" };
  const say = `echo "$0 $PULUMI_COMMAND_STDOUT/$PULUMI_COMMAND_STDERR"`;
  const inputs = { create: say, interpreter: ["/bin/sh", "-c"] };
  expect(await updateResource(local, olds, inputs, false, context())).toMatchObject({
    stdout: "/bin/sh before/",
  });
  expect(
    await updateResource(local, olds, { ...inputs, update: "echo updated" }, false, context()),
  ).toMatchObject({
    stdout: "updated",
  });
  expect(
    await updateResource(local, olds, { ...inputs, addPreviousOutputInEnv: false }, false, context()),
  ).toMatchObject({ stdout: "/bin/sh /" });
  const { lines, ...deleting } = context();
  await removeResource(
    local,
    { ...olds, delete: say },
    { ...deleting, progress: (line) => lines.push(line) },
  );
  expect(lines).toEqual(["/bin/sh before/"]);
});

test("without a command nothing runs, and the outputs stay", async () => {
  expect(await createResource(local, { delete: "true" }, false, context())).toMatchObject({
    stdout: "",
    stderr: "",
  });
  const olds = { delete: "true", stdout: "kept", stderr: "" };
  expect(await updateResource(local, olds, { delete: "false" }, false, context())).toMatchObject({
    stdout: "kept",
  });
  await removeResource(local, { create: "exit 1" }, context());
});

test("a command gets its folder, environment and input, and loses one newline of its output", async () => {
  const inputs = {
    create: 'pwd; echo "$A"; cat; echo; echo',
    dir: "/",
    environment: { A: "a b" },
    stdin: "in",
  };
  expect(await createResource(local, inputs, false, context())).toMatchObject({
    stdout: "/\na b\nin\n",
    stderr: "",
  });
});

test("a failure says how the command ended, what it was and what it wrote", async () => {
  const failing = createResource(local, { create: "echo out; echo err >&2; exit 7" }, false, context());
  await expect(failing).rejects.toThrow(
    /^exit status 7: running "echo out; echo err >&2; exit 7":\n(out\nerr|err\nout)/,
  );
  await expect(failing).rejects.toMatchObject({ stdout: "out", stderr: "err" });
  await expect(createResource(local, { create: "kill -9 $$" }, false, context())).rejects.toThrow(
    "ended by SIGKILL",
  );
  await expect(
    createResource(local, { create: "true", interpreter: ["/no/such"] }, false, context()),
  ).rejects.toThrow("cannot run /no/such");
});

test("what is given a secret gives secrets, shows no lines, and is not named in an error", async () => {
  const at = context();
  const properties = await createResource(local, { create: "cat", stdin: secret("hush") }, false, at);
  expect(hasSecret(properties.stdout)).toBe(true);
  expect(plain(properties.stdout ?? null)).toBe("hush");
  expect(at.lines).toEqual([]);
  await createResource(local, { create: "cat", stdin: secret("hush"), logging: "stdout" }, false, at);
  expect(at.lines).toEqual(["hush"]);
  await expect(createResource(local, { create: secret("exit 3") }, false, at)).rejects.toThrow(
    'running "[secret]"',
  );
});

test("secret triggers and connections make no secret of the output", async () => {
  const properties = await createResource(
    local,
    { create: "echo plain", triggers: [secret("x")] },
    false,
    context(),
  );
  expect(properties.stdout).toBe("plain");
});

test("changes are looked for among the inputs alone", () => {
  const olds = { create: "a", stdout: "x", stderr: "y" };
  expect(changedInputs(local, olds, { create: "a" }).size).toBe(0);
  expect([...changedInputs(local, olds, { create: "a", triggers: [1] })]).toEqual([["triggers", "add"]]);
});

test("ids are a name and eight digits, and differ", () => {
  expect(newId(local, "name")).toMatch(/^name[0-9a-f]{8}$/);
  expect(newId("command:remote:CopyToRemote", "name")).toMatch(/^[0-9a-f]{8}$/);
  expect(newId(local, "name")).not.toBe(newId(local, "name"));
});

test("lines are handed on as they become complete, from the streams asked for", () => {
  const lines: string[] = [];
  const output = new Output("stderr", (line) => lines.push(line));
  output.add("stderr", Buffer.from("one\ntw"));
  output.add("stdout", Buffer.from("unseen\n"));
  output.add("stderr", Buffer.from("o\nrest"));
  expect(lines).toEqual(["one", "two"]);
  output.end();
  expect(lines).toEqual(["one", "two", "rest"]);
  expect(output.outputs).toEqual({ stdout: "unseen", stderr: "one\ntwo\nrest" });
  expect(new CommandError("exit status 1", "x", output).message).toContain("tw" + "unseen\n" + "o\nrest");
});
