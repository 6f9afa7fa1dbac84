import { domainResource } from "./domain-resource.ts";
import { migrationResource } from "./migration-resource.ts";
import { counted, endWithEngine } from "./orphan.ts";

// What the dynamic providers of components/ call, at run time, by the name of the resource.
export const domain = counted(domainResource);
export const migration = counted(migrationResource);

endWithEngine();
