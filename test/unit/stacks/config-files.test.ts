import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { referenceFile, schemaFiles, withReference } from "../../../bin/schema.ts";
import { parseStackConfig } from "../../../stacks/checks/parse.ts";
import { checkFiles } from "../../../stacks/files.ts";
import { planStack } from "../../../stacks/plan.ts";
import { stackFileSchema } from "../../../stacks/schema.ts";
import { labInput, metalInput } from "../helpers/config-stack.ts";

const stacks = join(import.meta.dirname, "..", "..", "..", "stacks");

async function stackFile(stack: string): Promise<{ config: { [key: string]: unknown } }> {
  return parse(await readFile(join(stacks, `Pulumi.${stack}.yaml`), "utf8"));
}

function withoutNamespace(config: { [key: string]: unknown }): { [key: string]: unknown } {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.replace(/^testbed:/, ""), value]),
  );
}

describe.each(["lab", "metal"])("the stack %s that comes with the project", (stack) => {
  it("has no mistakes, and a plan", async () => {
    const config = parseStackConfig(withoutNamespace((await stackFile(stack)).config), stack);
    const plan = planStack(config, stack);
    expect(plan.hosts.length).toBeGreaterThanOrEqual(2);
    expect(plan.guests.map(({ name }) => name)).toEqual(["vm1", "vm2"]);
    expect(plan.lab !== undefined).toBe(stack === "lab");
  });

  it("is accepted by the schema for editors, also with what Pulumi adds", async () => {
    const editor = z.fromJSONSchema(stackFileSchema());
    const file = await stackFile(stack);
    expect(editor.safeParse({ encryptionsalt: "v1:abc", ...file }).error).toBeUndefined();
  });

  it("still has none when the keys behind a # are let out", async () => {
    const text = await readFile(join(stacks, `Pulumi.${stack}.yaml`), "utf8");
    const letOut = text.replaceAll(/^( +)# ( *)(?=[a-zA-Z0-9:]+:)/gm, "$1$2");
    const config = parseStackConfig(withoutNamespace(parse(letOut).config), stack);
    if (stack === "metal")
      expect(config).toMatchObject({
        ssh: { privateKeyFile: "~/.ssh/id_ed25519" },
        guests: [{ vnc: { port: 5901 } }, {}],
      });
  });
});

describe("the schema for editors", () => {
  const editor = z.fromJSONSchema(stackFileSchema());
  const file = (changes: object = {}) => ({
    config: {
      ...Object.fromEntries(Object.entries(labInput()).map(([key, value]) => [`testbed:${key}`, value])),
      ...changes,
    },
  });

  it("takes values that Pulumi has encrypted, alone or with all around them", () => {
    const password = { secure: "AAABAE5L" };
    expect(editor.safeParse(file()).success).toBe(true);
    expect(editor.safeParse(file({ "testbed:guests": [{ name: "vm1", vnc: { password } }] })).success).toBe(
      true,
    );
    expect(editor.safeParse(file({ "testbed:guests": { secure: "AAABAE5L" } })).success).toBe(true);
    expect(editor.safeParse(file({ "testbed:guests": [{ name: { secure: "AAABAE5L" } }] })).success).toBe(
      false,
    );
  });

  it("marks misspelt keys and leaves other namespaces alone", () => {
    expect(editor.safeParse(file({ "testbed:guest": [] })).success).toBe(false);
    expect(editor.safeParse(file({ "testbed:migration": { mdoe: "live" } })).success).toBe(false);
    expect(editor.safeParse(file({ "libvirt:uri": "qemu:///system" })).success).toBe(true);
  });
});

describe("what is made from the schema", () => {
  it("is in step with it (if not: npm run schema)", async () => {
    for (const [file, schema] of Object.entries(schemaFiles()))
      expect(await readFile(file, "utf8"), file).toBe(schema);
    const page = await readFile(referenceFile, "utf8");
    expect(page).toBe(withReference(page));
  });
});

describe("files that a stack names", () => {
  const withImage = (source: string) => parseStackConfig(labInput({ image: { source } }), "lab");

  it("are looked for where they count from", () => {
    const asked: string[] = [];
    const exists = (path: string) => asked.push(path) > 0;
    checkFiles(withImage("./images/guest.qcow2"), exists);
    checkFiles(withImage("/srv/guest.qcow2"), exists);
    checkFiles(parseStackConfig(metalInput({ ssh: { privateKeyFile: "~/.ssh/testbed" } }), "m"), exists);
    expect(asked).toEqual([
      join(process.cwd(), "images/guest.qcow2"),
      "/srv/guest.qcow2",
      join(homedir(), ".ssh/testbed"),
    ]);
  });

  it("are mistakes when they are not there", () => {
    const config = parseStackConfig(
      metalInput({ image: { source: "/srv/guest.qcow2" }, ssh: { privateKeyFile: "/srv/key" } }),
      "m",
    );
    const fix = "give a path that begins with /, with ~/ for your home, or with ./ for the project's folder";
    expect(checkFiles(config, () => false)).toEqual([
      {
        path: "testbed:image.source",
        problem: "there is no image that can be read at /srv/guest.qcow2",
        fix,
      },
      {
        path: "testbed:ssh.privateKeyFile",
        problem: "there is no private key that can be read at /srv/key",
        fix,
      },
    ]);
  });

  it("are not asked for when the image has a name or a URL", () => {
    const never = () => {
      throw new Error("asked for a file");
    };
    for (const source of ["auto", "debian-12", "https://example.org/guest.qcow2"]) {
      expect(checkFiles(withImage(source), never)).toEqual([]);
    }
  });
});
