/** The name of the resource that moves a guest. */
export const migrationName = (guest: string): string => `${guest}-migration`;

/** What Pulumi's `--target` takes for that resource alone, whatever it is part of. */
export const migrationTarget = (guest: string): string => `**:Migration::${migrationName(guest)}`;
