import * as pulumi from "@pulumi/pulumi";
import { type Answers, record } from "./recorder.ts";

/** Options of a resource that `record` does not tell. */
export interface Options {
  ignoreChanges: string[];
  deleteBeforeReplace: boolean;
  additionalSecretOutputs: string[];
  /** Names of hooks that run before it is created. */
  beforeCreate: string[];
}

interface RegisterRequest {
  getName(): string;
  getIgnorechangesList(): string[];
  getDeletebeforereplace(): boolean;
  getAdditionalsecretoutputsList(): string[];
  getHooks(): { getBeforeCreateList(): string[] } | undefined;
}

/** The same as `record`, with these options of each resource, by its name. */
export async function recordOptions<T>(program: () => T, answers?: Answers) {
  const options = new Map<string, Options>();
  const recorded = await record(() => {
    const monitor = pulumi.runtime.getMonitor() as unknown as {
      registerResource: (request: RegisterRequest, done: unknown) => unknown;
      registerResourceHook?: (request: unknown, done: (error: null) => void) => void;
    };
    monitor.registerResourceHook = (_request, done) => done(null);
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, done) => {
      options.set(request.getName(), {
        ignoreChanges: request.getIgnorechangesList(),
        deleteBeforeReplace: request.getDeletebeforereplace(),
        additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
        beforeCreate: request.getHooks()?.getBeforeCreateList() ?? [],
      });
      return register(request, done);
    };
    return program();
  }, answers);
  return { ...recorded, options: (name: string) => options.get(name) as Options };
}
