import * as pulumi from "@pulumi/pulumi";
import type { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";

/** One resource as the program declared it. */
export interface Declared {
  type: string;
  name: string;
  urn: string;
  inputs: Record<string, unknown>;
  /** URN of its parent, of the resource it is deleted with, and of what it depends on. */
  parent: string;
  deletedWith: string;
  dependencies: string[];
  /** Names of inputs that are secrets. */
  secrets: string[];
  /** "urn::id" of an explicit provider. */
  provider: string;
}

/** Outputs that a resource shall have beside its inputs, such as a command's stdout. */
export type Answers = (
  type: string,
  name: string,
  inputs: Record<string, unknown>,
) => Record<string, unknown>;

// The engine's mark of a secret in a serialised property.
const secretKey = "4dabf18193072939515e22adb298388d";

const isSecret = (value: unknown): value is { value: unknown } =>
  typeof value === "object" && value !== null && secretKey in value;

interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getDeletedwith(): string;
  getDependenciesList(): string[];
  getProvider(): string;
  getObject(): { toJavaScript(): Record<string, unknown> };
}

/**
 * Runs a program against Pulumi's mocks and gives back what it declared, with its own result.
 *
 * @param options.isNew what is not there yet, by its name, in a preview. Default: everything
 */
export async function record<T>(
  program: () => T,
  answers: Answers = () => ({}),
  { preview = false, isNew = () => true }: { preview?: boolean; isNew?: (name: string) => boolean } = {},
): Promise<{ result: T; declared: Declared[]; one(name: string): Declared }> {
  const declared: Declared[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, custom }) => ({
        id: preview && custom && isNew(name) ? undefined : `${name}-id`,
        // What only the thing itself can tell is unknown in a preview.
        state: { ...inputs, ...(preview && isNew(name) ? {} : answers(type, name, inputs)) },
      }),
      call: ({ inputs }) => inputs,
    },
    "project",
    "stack",
    preview,
  );
  // Mocks are not told of a resource's options; the request to the engine holds them.
  const monitor = pulumi.runtime.getMonitor() as unknown as MockMonitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request: RegisterRequest, callback: Parameters<typeof register>[1]) => {
    const inputs = request.getObject().toJavaScript();
    const entry: Declared = {
      type: request.getType(),
      name: request.getName(),
      urn: "",
      inputs: Object.fromEntries(
        Object.entries(inputs).map(([key, value]) => [key, isSecret(value) ? value.value : value]),
      ),
      secrets: Object.keys(inputs).filter((key) => isSecret(inputs[key])),
      parent: request.getParent(),
      deletedWith: request.getDeletedwith(),
      dependencies: request.getDependenciesList(),
      provider: request.getProvider(),
    };
    declared.push(entry);
    return register(request, (error, response) => {
      entry.urn = response?.getUrn() ?? "";
      callback(error, response);
    });
  };
  let result: T;
  try {
    result = program();
  } finally {
    // Waits for what is on its way, also when the program has thrown.
    await pulumi.runtime.disconnect();
  }
  return {
    result,
    declared,
    one(name) {
      const found = declared.filter((each) => each.name === name && !each.type.startsWith("testbed:"));
      if (found.length !== 1) throw new Error(`${found.length} resources are called ${name}`);
      return found[0] as Declared;
    },
  };
}

/** Whether a preview knows the output's value. */
export function isKnown(output: pulumi.Output<unknown>): Promise<boolean> {
  return (output as unknown as { isKnown: Promise<boolean> }).isKnown;
}

/** The value of an output whose resources are all mocked. */
export function resolved<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}
