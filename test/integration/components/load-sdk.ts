// Run by plain Node: loads the SDK as index.ts does, and prints what was loaded with it, and what of that still works.
import "../../../components/lean-sdk.ts";
import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";

const loaded = () =>
  Object.keys(createRequire(import.meta.url).cache).filter((file) =>
    /^\/.*\/node_modules\/(@npmcli\/arborist|typescript|@pulumi\/pulumi\/automation)\//.test(file),
  );
const atFirst = loaded();
const known = 42;
const serialised = await pulumi.runtime.serializeFunction(() => known);
console.log(
  JSON.stringify({
    atFirst,
    serialises: serialised.text.includes("known: 42"),
    runsStacks: typeof pulumi.automation.LocalWorkspace.createStack,
    afterwards: loaded().length,
    stack: new Error("here").stack,
  }),
);
