import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

// To be loaded before @pulumi/pulumi, in each process that loads it: the program, and Pulumi's provider of dynamic resources (bin/pulumi).

/**
 * What is loaded at once for programs that serialise functions or run stacks of their own (the SDK), or that read XML in the form of YAML,
 * by the module that asks for it. This one does none of that. Should anything do so after all, it is loaded then.
 */
const seldomUsed: readonly (readonly [asking: string, asked: string])[] = [
  ["/@pulumi/pulumi/index.js", "./automation"],
  ["/@pulumi/pulumi/runtime/closure/codePaths.js", "@npmcli/arborist"],
  ["/@pulumi/pulumi/runtime/closure/codePaths.js", "normalize-package-data"],
  ["/@pulumi/pulumi/runtime/closure/parseFunction.js", "../../typescript-shim"],
  ["/xmlbuilder2/lib/readers/YAMLReader.js", "js-yaml"],
];
const later = "later:";

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    const from = context.parentURL ?? "";
    const isSeldomUsed = seldomUsed.some(([asking, asked]) => specifier === asked && from.endsWith(asking));
    return isSeldomUsed ? { url: later + resolved.url, format: "commonjs" } : resolved;
  },
  load(url, context, nextLoad) {
    if (!url.startsWith(later)) return nextLoad(url, context);
    return { source: lazily(fileURLToPath(url.slice(later.length))), format: "commonjs", shortCircuit: true };
  },
});

/** The text of a module that stands for another one until something of it is asked for. One that is a function takes the place of its `default`. */
const lazily = (file: string): string =>
  `const real = () => require(${JSON.stringify(file)});
module.exports = new Proxy({}, {
  get: (_, name) => name === "__esModule" || (real()[name] ?? (name === "default" ? real() : undefined)),
});`;
