// Run by plain Node: prints the dynamic providers as Pulumi keeps them in its state, the way @pulumi/pulumi's dynamic.Resource makes it.
import { createRequire } from "node:module";
import { engineProvider } from "../../../components/engine-provider.ts";

const { serializeFunction } = createRequire(import.meta.url)(
  "@pulumi/pulumi/runtime/closure/serializeClosure.js",
);
const texts: Record<string, string> = {};
for (const resource of ["domain", "migration"] as const) {
  const provider = engineProvider(resource);
  const { text, containsSecrets } = await serializeFunction(() => provider, { allowSecrets: true });
  if (containsSecrets) throw new Error(`the provider of ${resource} has secrets in it`);
  texts[resource] = text;
}
console.log(JSON.stringify(texts));
