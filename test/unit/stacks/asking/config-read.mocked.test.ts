import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hasPlainPassword, readStackConfig } from "../../../../stacks/asking/read.ts";
import { parseStackConfig } from "../../../../stacks/checks/parse.ts";
import { labInput, metalInput } from "../../helpers/config-stack.ts";

/** As the language host hands it over: every value a text. */
function setConfig(sections: { [key: string]: unknown }, others: { [key: string]: string } = {}): void {
  const own = Object.entries(sections).map(([key, value]) => [
    `testbed:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig({ ...Object.fromEntries(own), ...others }, ["testbed:guests"]);
}

beforeEach(() =>
  pulumi.runtime.setMocks(
    { newResource: ({ name, inputs }) => ({ id: name, state: inputs }), call: ({ inputs }) => inputs },
    "kvm-migration-testbed",
    "lab",
  ),
);
afterEach(() => pulumi.runtime.setAllConfig({}));

describe("the config of the stack that runs", () => {
  it("is read from Pulumi, secrets in plain text, other namespaces left alone", () => {
    setConfig(
      labInput({ guests: [{ name: "vm1", vnc: { password: "paper" } }], placement: { vm1: "host1" } }),
      {
        "libvirt:uri": "qemu:///system",
        "kvm-migration-testbed:note": "not ours",
      },
    );
    const config = readStackConfig();
    expect(config.guests[0]?.vnc?.password).toBe("paper");
    expect(config.migration.mode).toBe("live");
  });

  it("tells a password in plain text on machines of one's own", () => {
    const guests = [{ name: "vm1", vnc: { password: "paper" } }];
    const config = parseStackConfig({ ...metalInput(), guests, placement: { vm1: "host1" } }, "mine");
    expect(hasPlainPassword(config, false)).toBe(true);
    expect(hasPlainPassword(config, true)).toBe(false);
    expect(hasPlainPassword(parseStackConfig(metalInput(), "mine"), false)).toBe(false);
    expect(
      hasPlainPassword(
        parseStackConfig({ ...labInput(), guests, placement: { vm1: "host1" } }, "lab"),
        false,
      ),
    ).toBe(false);
  });

  it("takes keys in the long form that older hosts use", () => {
    const { hosts, ...rest } = labInput();
    setConfig(rest, { "testbed:config:hosts": JSON.stringify(hosts) });
    expect(readStackConfig().hosts).toHaveLength(2);
  });

  it("has a misspelt section found, and its mistakes shown without a stack trace", () => {
    setConfig({ ...labInput(), migraton: { mode: "cold" }, lab: "yes" });
    expect(readStackConfig).toThrow(pulumi.RunError);
    expect(readStackConfig).toThrow(
      /^The stack's config has 2 mistakes; nothing was touched:\n {2}testbed:migraton: there is no such key.*\(did you mean "migration"\?\)\n {2}testbed:lab: "yes" is not a group/,
    );
  });

  it("has a section without keys found", () => {
    setConfig({ ...labInput(), ssh: "" });
    expect(readStackConfig).toThrow(/testbed:ssh: is empty; give .*, or leave the key out/);
  });

  it("has files that are not there found", () => {
    setConfig(labInput({ image: { source: "/nowhere/guest.qcow2" } }));
    expect(readStackConfig).toThrow(/testbed:image\.source: there is no image that can be read at \/nowhere/);
    setConfig(labInput({ image: { source: "/etc/" } }));
    expect(readStackConfig).toThrow(/testbed:image\.source: there is no image that can be read at \/etc/);
    setConfig(labInput({ image: { source: "/etc/hostname" } }));
    expect(readStackConfig().image.source).toBe("/etc/hostname");
  });
});
