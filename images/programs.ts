import { ImageError } from "./image.ts";

/**
 * What an image can be built with beyond what every guest has: Debian's packages, by the name of the workload that they are for (Ubuntu's
 * are called the same). None of them brings a service, which would start by itself: a workload starts what it needs.
 */
export const programPackages = {
  mysql: ["mariadb-server-core", "mariadb-client-core", "sysbench"],
  office: ["libreoffice-writer-nogui", "libreoffice-calc-nogui", "python3-uno"],
} as const;

export type Program = keyof typeof programPackages;

export const isProgram = (name: string): name is Program => Object.hasOwn(programPackages, name);

/** The same programs make the same image, in whatever order they were said. */
export const programSet = (programs: readonly string[]): string[] => [...new Set(programs)].sort();

/** @throws ImageError for a name that there is not */
export function packagesFor(programs: readonly string[]): string[] {
  return programs.flatMap((name) => {
    if (isProgram(name)) return [...programPackages[name]];
    const known = Object.keys(programPackages).join(", ");
    throw new ImageError(
      `There is no program "${name}" that an image can be built with; there are ${known}.`,
    );
  });
}
