import { homedir } from "node:os";
import { resolve } from "node:path";
import { imageNames, type StackConfig } from "./config.ts";
import { type Mistake, pathText } from "./mistake.ts";

/**
 * Files that the config names and that are not there.
 *
 * @param exists whether a file can be read; it is given absolute paths
 */
export function checkFiles(config: StackConfig, exists: (path: string) => boolean): Mistake[] {
  const { image, ssh } = config;
  const isFile = !(imageNames as readonly string[]).includes(image.source) && !/^https?:/.test(image.source);
  const named: [path: string, file: string | undefined, what: string][] = [
    [pathText(["image", "source"]), isFile ? image.source : undefined, "image"],
    [pathText(["ssh", "privateKeyFile"]), ssh.privateKeyFile, "private key"],
  ];
  return named.flatMap(([path, file, what]) =>
    file === undefined || exists(absolute(file))
      ? []
      : [
          {
            path,
            problem: `there is no ${what} that can be read at ${absolute(file)}`,
            fix: "give a path that begins with /, with ~/ for your home, or with ./ for the project's folder",
          },
        ],
  );
}

/** `~/` is the home folder; a relative path counts from the project's folder, where Pulumi runs programs. */
export function absolute(file: string): string {
  return file.startsWith("~/") ? resolve(homedir(), file.slice(2)) : resolve(file);
}
