import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";

// To be imported before the rest of the program. Pulumi starts a provider when the first resource of its is declared, one provider after the
// other, and nothing else goes on meanwhile. Each takes about as long as this program takes to load. Asked for anything, even for a function
// that it does not have, a provider is started at once, beside that.

const command: { version: string } = createRequire(import.meta.url)("@pulumi/command/package.json");

startProvider("command", command.version);
startProvider("pulumi-nodejs");

/** @param version that of the SDK by which its resources are declared: with another one, Pulumi would start another provider */
function startProvider(name: string, version?: string): void {
  const answer = pulumi.runtime.invoke(`${name}:early:start`, {}, { ...(version && { version }) });
  // It has no such function. One that can't be started is told of when a resource is declared.
  answer.catch(() => {});
}
