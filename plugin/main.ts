// First: what follows loads the SDK.
import "../components/lean-sdk.ts";
import { main } from "@pulumi/pulumi/provider/index.js";
import { declareForPlugin } from "../components/engine-resource.ts";
import { takeImports } from "./import-requests.ts";
import { TestbedProvider } from "./provider.ts";

const provider = new TestbedProvider();
declareForPlugin(provider.version);
takeImports();
await main(provider, process.argv.slice(2));
// See lean-sdk.ts: that has put source-map-support in place again.
Reflect.deleteProperty(Error, "prepareStackTrace");
