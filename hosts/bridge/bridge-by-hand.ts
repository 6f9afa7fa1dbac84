/** What to do where an uplink's settings cannot be moved to a new bridge. */
export const bridgeByHand = (bridge: string, uplink: string) =>
  `Make a bridge called ${bridge} with ${uplink} in it yourself (it will be used as it is), or name another bridge or uplink in the stack's config`;
