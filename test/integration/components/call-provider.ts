// Run by plain Node: loads a serialised provider, as @pulumi/pulumi's provider process does, and calls its methods one after the other.
// Standard input: JSON {text, calls: [method, ...arguments][]}; standard output, its last line: JSON of {result} or {error} a call.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const load = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi"))("require-from-string");
const request = JSON.parse(await text(process.stdin));
const provider = load(request.text).handler();
const answers = [];
for (const [method, ...args] of request.calls) {
  try {
    answers.push({ result: (await provider[method](...args)) ?? null });
  } catch (error) {
    answers.push({ error: (error as Error).message });
  }
}
console.log(JSON.stringify(answers));
process.exit();
