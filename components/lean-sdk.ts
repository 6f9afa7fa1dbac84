import { createRequire } from "node:module";
import "../provider/lean-loading.ts";

// To be imported before @pulumi/pulumi. A program's start is half of the time of an update that changes nothing, and is spent twice: in
// the preview, and in the update.

// The SDK takes down a stack trace for each of its promises, to tell where one that never ends was made, and source-map-support, which it
// puts in place of Node's own way, takes most of the time of that. Node runs these sources as they are: no position is to be translated.
Reflect.deleteProperty(Error, "prepareStackTrace");

const require = createRequire(import.meta.url);
const isDebugged = /\bpulumi\b/.test(process.env.NODE_DEBUG ?? "");
if (!isDebugged) leaveOutDebugging();

/**
 * Nearly half of what a program with hundreds of resources does is for those who debug the SDK: some five messages a resource, which are
 * sent one after the other and waited for, the stack traces of promises, and where in the program each resource was made, which is a
 * tenth of the state, too. With `NODE_DEBUG=pulumi` they are there (messages show with `--debug`).
 */
function leaveOutDebugging(): void {
  const log: typeof import("@pulumi/pulumi/log/index.js") = require("@pulumi/pulumi/log/index.js");
  Reflect.set(log, "debug", async () => {});

  const { Resource }: typeof import("@pulumi/pulumi/resource.js") = require("@pulumi/pulumi/resource.js");
  Reflect.set(Resource, "callsites", () => []);

  // The SDK's types leave it out.
  const debuggable: { debuggablePromise<T>(promise: Promise<T>, context: unknown): Promise<T> } =
    require("@pulumi/pulumi/runtime/debuggable.js");
  const { debuggablePromise } = debuggable;
  debuggable.debuggablePromise = (promise, context) => {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      return debuggablePromise(promise, context);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  };
}
