/**
 * As much of a shell as the engine's scripts use, over programs that are generators: between two of their steps a test
 * may end the machine's connection, or the program that gave the command.
 */

export interface Result {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export type Running = Generator<void, Result>;
export type Program = (args: string[], stdin: string) => Running;

/** A file, shared by all who have it open, whatever its name is by now. */
export interface FileNode {
  text: string;
  /** The script that holds a lock on it. */
  lockedBy?: object;
}

/** What scripts see of a machine: files by path, and programs by name. */
export interface Environment {
  files: Map<string, FileNode>;
  program: (name: string) => Program;
}

export const ok = (stdout = ""): Result => ({ exitCode: 0, stdout, stderr: "" });
export const failed = (stderr: string, exitCode = 1): Result => ({ exitCode, stdout: "", stderr });

type Token = { operator: string } | { word: string; glob: boolean };

function tokens(script: string): Token[] {
  const pattern = /(\d?>|&&|\|\||;|\n|[{}](?=\s|$))|((?:'[^']*'|\\.|"[^"]*"|[^\s;&|<>'"\\])+)|[ \t]+/gy;
  const found: Token[] = [];
  for (const [text, operator, word] of script.matchAll(pattern)) {
    if (operator) found.push({ operator });
    else if (word) {
      const plain = word.replaceAll(/'([^']*)'|"([^"]*)"|\\(.)/g, (_, a, b, c) => a ?? b ?? c);
      found.push({ word: plain, glob: /\*$/.test(word) });
    } else if (text.trim()) throw new Error(`the simulated shell cannot read ${script}`);
  }
  if (found.length === 0 && script.trim()) throw new Error(`the simulated shell cannot read ${script}`);
  return found;
}

/** Runs a script; yields before each of its commands, and where these do. */
export function* bash(script: string, stdin: string, environment: Environment): Running {
  const queue = tokens(script);
  let errexit = false;
  const open = new Map<string, FileNode>();
  const [stdout, stderr]: [string[], string[]] = [[], []];

  const isNext = (...texts: string[]): boolean => {
    const next = queue[0];
    return next !== undefined && texts.includes("operator" in next ? next.operator : next.word);
  };
  const skip = (text: string): void => {
    if (!isNext(text)) throw new Error(`the simulated shell misses ${text} in ${script}`);
    queue.shift();
  };

  function* list(execute: boolean, ...ends: string[]): Generator<void, number> {
    let exitCode = 0;
    let going = execute;
    while (queue.length > 0 && !isNext(...ends)) {
      if (isNext(";", "\n")) {
        queue.shift();
        continue;
      }
      const code = yield* andOr(going);
      if (going) exitCode = code;
      if (errexit && exitCode !== 0) going = false;
    }
    return exitCode;
  }

  function* andOr(execute: boolean): Generator<void, number> {
    let exitCode = yield* command(execute);
    while (isNext("&&", "||")) {
      const wantsSuccess = isNext("&&");
      queue.shift();
      if (isNext("\n")) queue.shift();
      const code = yield* command(execute && (exitCode === 0) === wantsSuccess);
      if (execute && (exitCode === 0) === wantsSuccess) exitCode = code;
    }
    return exitCode;
  }

  function* command(execute: boolean): Generator<void, number> {
    if (isNext("if")) {
      queue.shift();
      const condition = yield* list(execute, "then");
      skip("then");
      const code = yield* list(execute && condition === 0, "fi");
      skip("fi");
      return condition === 0 ? code : 0;
    }
    if (isNext("{")) {
      queue.shift();
      const code = yield* list(execute, "}");
      skip("}");
      return code;
    }
    return yield* simple(execute);
  }

  function* simple(execute: boolean): Generator<void, number> {
    const words: string[] = [];
    const redirects: { operator: string; path: string }[] = [];
    for (let next = queue[0]; next; next = queue[0]) {
      if ("operator" in next) {
        if (!next.operator.endsWith(">")) break;
        queue.shift();
        const path = queue.shift();
        if (path && "word" in path) redirects.push({ operator: next.operator, path: path.word });
      } else {
        queue.shift();
        words.push(...expand(next));
      }
    }
    if (!execute) return 0;
    while (/^\w+=/.test(words[0] ?? "")) words.shift();
    const [name = "true", ...args] = words;
    if (name === "set") {
      errexit = true;
      return 0;
    }
    yield;
    if (name === "exec") {
      for (const { operator, path } of redirects) open.set(operator.slice(0, -1), opened(path));
      return 0;
    }
    if (name === "flock") {
      const file = open.get(args[0] ?? "") as FileNode;
      while (file.lockedBy) yield;
      file.lockedBy = open;
      return 0;
    }
    const output = redirects.find(({ operator }) => operator === ">")?.path;
    const file: FileNode | undefined =
      output !== undefined && output !== "/dev/null" ? { text: "" } : undefined;
    if (file && output) environment.files.set(output, file);
    const result = yield* environment.program(name)(args, stdin);
    if (file) {
      // A file is not written in one piece.
      file.text = result.stdout.slice(0, result.stdout.length / 2);
      yield;
      file.text = result.stdout;
    } else if (output === undefined) stdout.push(result.stdout);
    const errors = redirects.find(({ operator }) => operator === "2>")?.path;
    if (errors === undefined) stderr.push(result.stderr);
    else if (errors !== "/dev/null") environment.files.set(errors, { text: result.stderr });
    return result.exitCode;
  }

  function expand(token: { word: string; glob: boolean }): string[] {
    if (!token.glob) return [token.word];
    const prefix = token.word.slice(0, -1);
    const matches = [...environment.files.keys()].filter((path) => path.startsWith(prefix));
    return matches.length > 0 ? matches : [token.word];
  }

  function opened(path: string): FileNode {
    const file = environment.files.get(path) ?? { text: "" };
    environment.files.set(path, file);
    return file;
  }

  try {
    const exitCode = yield* list(true);
    return { exitCode, stdout: stdout.join(""), stderr: stderr.join("") };
  } finally {
    // Closed at the script's end, whichever way that comes.
    for (const file of open.values()) if (file.lockedBy === open) delete file.lockedBy;
  }
}

/** A program that does all it does in one step. */
export const atOnce = (work: (args: string[], stdin: string) => Result): Program =>
  // biome-ignore lint/correctness/useYield: there is nothing in between
  function* (args, stdin) {
    return work(args, stdin);
  };

/** The usual programs that work on files. */
export function filePrograms(files: Environment["files"]): Record<string, Program> {
  const missing = (path: string) => failed(`cannot access '${path}': No such file or directory`);
  const paths = (args: string[]): string[] => args.filter((arg) => !arg.startsWith("-"));
  const text = (args: string[], use: (content: string) => string): Result => {
    const path = args.at(-1) ?? "";
    const file = files.get(path);
    return file ? ok(use(file.text)) : missing(path);
  };
  return {
    true: atOnce(() => ok()),
    false: atOnce(() => failed("")),
    export: atOnce(() => ok()),
    mkdir: atOnce(() => ok()),
    rmdir: atOnce(() => ok()),
    sync: atOnce(([path = ""]) =>
      [...files.keys()].some((file) => file === path || file.startsWith(`${path}/`)) ? ok() : missing(path),
    ),
    journalctl: atOnce(() => ok()),
    uname: atOnce(() => ok("6.1.0-41-amd64\n")),
    "[": atOnce(([, path = ""]) => (files.has(path) ? ok() : failed(""))),
    cat: atOnce((args, stdin) => (args.length === 0 ? ok(stdin) : text(args, (content) => content))),
    head: atOnce((args) => text(args, (content) => content.slice(0, Number(args[1])))),
    tail: atOnce((args) => text(args, (content) => content.slice(Number(args[1]) - 1))),
    stat: atOnce((args) => text(args, (content) => `${args[1]?.replace("%s", `${content.length}`)}\n`)),
    mv: atOnce((args) => {
      const [from = "", to = ""] = paths(args);
      const file = files.get(from);
      if (!file) return missing(from);
      files.delete(from);
      files.set(to, file);
      return ok();
    }),
    rm: function* (args) {
      for (const path of paths(args)) {
        if (!files.delete(path) && !args.includes("-f")) return missing(path);
        yield;
      }
      return ok();
    },
    ls: atOnce((args) => {
      const found = paths(args).filter((path) => files.has(path));
      return found.length > 0 ? ok(`${found.join("\n")}\n`) : missing(args.at(-1) ?? "");
    }),
  };
}
