// A Domain and its Migration are made one after the other in one process: where the one has just booted a guest that was nowhere, the other
// needs not look for it.

/** Hosts, by the guest's uuid. */
const hosts = new Map<string, string>();

/** To be called once a guest runs that was on no host before. */
export const rememberMade = (uuid: string, host: string): void => void hosts.set(uuid, host);

/** Where it was made; undefined: not here, or that was said already. */
export function takeMade(uuid: string): string | undefined {
  const host = hosts.get(uuid);
  hosts.delete(uuid);
  return host;
}
