/**
 * Hosts and guests as a policy sees them: a value, so that the same cluster always gives the same places. What a policy needs to know more
 * of them is a field here, absent where it is not known.
 */
export interface Cluster {
  /** In the order of the config, which breaks ties. */
  hosts: readonly ClusterHost[];
  guests: readonly ClusterGuest[];
}

export interface ClusterHost {
  name: string;
  /** Absent: the host was not asked. */
  memoryMiB?: number;
  /** Whether no guest is to run there. */
  isDrained: boolean;
}

export interface ClusterGuest {
  name: string;
  /** Where its placement says it runs. */
  host: string;
  memoryMiB: number;
}
