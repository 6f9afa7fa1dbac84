// What each Node process of an update loads first (NODE_OPTIONS of bin/pulumi). Pulumi's provider of dynamic resources loads less of the SDK
// then, and asks for the engine when the first of its resources comes: by then it is there. Nothing changes in any other process.
if (/\/cmd\/dynamic-provider(\/index\.js)?$/.test(process.argv[1] ?? "")) {
  await import("./lean-loading.ts");
  setImmediate(preload);
}

async function preload(): Promise<void> {
  // What is wrong with it is told when it is asked for.
  await import("./resources.ts").catch(() => {});
}
