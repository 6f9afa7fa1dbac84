import { cp, mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readRecords } from "../../moves/results.ts";
import { type Run, TestProject } from "./project.ts";
import { LabStack } from "./stack.ts";
import { tracesOf } from "./traces.ts";

const root = resolve(import.meta.dirname, "../..");

/** The lab's network, in a stack's config. */
interface Place {
  network: string;
  bridge: string;
}

/** A program of examples/, copied to a folder of its own, which is run by the commands that docs/provider.md names. */
export class ExampleProgram {
  readonly project: TestProject;
  readonly language: string;
  readonly stack: LabStack;
  readonly place: Place;

  private constructor(project: TestProject, language: string, stackName: string, place: Place) {
    this.project = project;
    this.language = language;
    this.place = place;
    const hosts = [{ name: "host1" }, { name: "host2" }];
    const config = { lab: place, hosts, guests: [], placement: {} };
    this.stack = new LabStack(project, stackName, config, this.path(".testbed", stackName));
  }

  static async copied(language: string, stackName: string, place: Place): Promise<ExampleProgram> {
    const program = new ExampleProgram(await TestProject.make(), language, stackName, place);
    await mkdir(program.path(), { recursive: true });
    await cp(join(root, "examples", language), program.path(), { recursive: true });
    return program;
  }

  path(...parts: string[]): string {
    return this.project.path("examples", this.language, ...parts);
  }

  /** The commands of a section of the page, without what follows `npm run pulumi -- `, for this stack. */
  async commandsOf(section: string): Promise<string[][]> {
    const page = await readFile(join(root, "docs/provider.md"), "utf8");
    const [, block = ""] =
      new RegExp(`^## ${section}$[\\s\\S]*?^\`\`\`sh\\n([\\s\\S]*?)^\`\`\``, "m").exec(page) ?? [];
    return block
      .split("\n")
      .flatMap((line) => /^npm run pulumi -- ([^#]*?)\s*(#|$)/.exec(line)?.[1] ?? [])
      .map((command) => command.replaceAll("try", this.stack.name).split(" "));
  }

  /** Runs one of them, which must succeed. */
  async run(command: readonly string[] | undefined): Promise<Run> {
    const done = await this.project.pulumi(...(command ?? []));
    if (done.exitCode !== 0) throw new Error(`pulumi ${command?.join(" ")} failed:\n${done.text}`);
    return done;
  }

  /** Runs a command of Pulumi that the page does not have. */
  runPlain(...command: string[]): Promise<Run> {
    return this.run([...command, "--cwd", `examples/${this.language}`, "--stack", this.stack.name]);
  }

  /** Gives the stack a network of its own. */
  async configure(): Promise<void> {
    for (const [key, value] of Object.entries(this.place)) await this.runPlain("config", "set", key, value);
  }

  async records() {
    return (await readRecords(this.path("results", `${this.stack.name}.jsonl`))).records;
  }

  traces(): Promise<string[]> {
    return tracesOf(this.stack.name, this.place.bridge, this.project.folder);
  }

  /** Destroys whatever a failed test left. */
  async remove(): Promise<void> {
    await this.project.pulumi(
      ...["destroy", "--cwd", `examples/${this.language}`, "--stack", this.stack.name, "--yes"],
    );
    await this.project.remove();
  }
}
