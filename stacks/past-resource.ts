/** A resource as the engine tells of it. */
export interface PastResource {
  type: string;
  outputs: unknown;
}
