/** What `pulumi config --json` prints. */
export type PrintedConfig = Readonly<Record<string, { value?: string }>>;

/** A value of the namespace `testbed`. Absent: the config does not say it. */
export const said = <T>(config: PrintedConfig, key: string): T | undefined =>
  JSON.parse(config[`testbed:${key}`]?.value ?? "null") ?? undefined;
