// Run by plain Node: loads the SDK as index.ts does, and prints what was loaded with it, and what of that still works.
import "../../../components/lean-sdk.ts";
import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";

const require = createRequire(import.meta.url);
const loaded = () =>
  Object.keys(require.cache).filter((file) =>
    /^\/.*\/node_modules\/(@npmcli\/arborist|normalize-package-data|typescript|@pulumi\/pulumi\/automation)\//.test(
      file,
    ),
  );
const atFirst = loaded();
const known = 42;

// What the SDK's own modules call.
const { debuggablePromise } = require("@pulumi/pulumi/runtime/debuggable");
const promise = Promise.resolve(known);
await debuggablePromise(promise, "here");
const sent: string[] = [];
const engine = {
  log: (request: { getMessage(): string }, done: () => void) => {
    sent.push(request.getMessage());
    done();
  },
};
Object.assign(require("@pulumi/pulumi/runtime/settings"), { getEngine: () => engine });
await pulumi.log.debug("debugged");
await pulumi.log.info("told");
const serialised = await pulumi.runtime.serializeFunction(() => known);
const codePaths = await pulumi.runtime.computeCodePaths();

console.log(
  JSON.stringify({
    atFirst,
    serialises: serialised.text.includes("known: 42"),
    hasCodePaths: codePaths.size > 0,
    runsStacks: typeof pulumi.automation.LocalWorkspace.createStack,
    afterwards: loaded().length,
    stack: new Error("here").stack,
    stackOfPromise: (promise as { _debugStackTrace?: string })._debugStackTrace,
    // What every resource's constructor calls.
    calledFrom: (pulumi.Resource as unknown as { callsites(): { file?: string }[] })
      .callsites()
      .map(({ file }) => file),
    sent,
  }),
);
