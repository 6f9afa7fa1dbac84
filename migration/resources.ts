/** What the dynamic providers of components/ call, at run time, by the name of the resource. */
export { domainResource as domain } from "./domain-resource.ts";
export { migrationResource as migration } from "./migration-resource.ts";
