import { expect, test } from "vitest";
import { packageManifest, packagesIn } from "../../../bin/build-package.ts";

const project = {
  name: "kvm-migration-testbed",
  version: "1.2.3",
  description: "d",
  license: "Apache-2.0",
  keywords: ["kvm"],
  dependencies: {
    "@pulumi/libvirt": "file:sdks/libvirt",
    "@pulumi/pulumi": "3.256.0",
    execa: "^9.6.0",
    pulumi: "3.256.0",
  },
  scripts: { build: "b" },
  private: true,
};

test("the package needs what its modules import, shares the program's Pulumi and brings the libvirt SDK along", () => {
  const imported = new Set(["execa", "@pulumi/pulumi", "@pulumi/libvirt"]);
  expect(packageManifest(project, imported, "0.8.3")).toEqual({
    name: "kvm-migration-testbed",
    version: "1.2.3",
    description: "d",
    license: "Apache-2.0",
    keywords: ["kvm"],
    type: "module",
    exports: {
      ".": { types: "./components/index.d.ts", default: "./components/index.js" },
      "./engine": { types: "./provider/resources.d.ts", default: "./provider/resources.js" },
      "./package.json": "./package.json",
    },
    engines: { node: ">=22.12" },
    dependencies: { execa: "^9.6.0", "@pulumi/libvirt": "0.8.3" },
    bundleDependencies: ["@pulumi/libvirt"],
    peerDependencies: { "@pulumi/pulumi": "^3.256.0" },
  });
});

test("an import that the project does not name is refused", () => {
  expect(() => packageManifest(project, new Set(["left-pad"]), "0.8.3")).toThrow(
    "The package imports left-pad, which package.json's dependencies do not name",
  );
});

test("imports are told by their package, and only other packages count", () => {
  const code = `
import * as z from "zod";
import { a, b } from "@pulumi/pulumi/runtime/mocks.js";
import "side-effect";
export { x } from "reexported/deep";
import { join } from "node:path";
import fs from "fs";
import { own } from "./own.js";
import {
  many,
} from "many-lines";
`;
  expect(packagesIn(code)).toEqual(["zod", "@pulumi/pulumi", "side-effect", "reexported", "many-lines"]);
});
