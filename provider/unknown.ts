/** What stands in a preview for a value that is known only after an update; @pulumi/pulumi's `rpc.unknownValue`. */
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Whether a value, or anything in it, is not known yet. */
export const hasUnknown = (value: unknown): boolean =>
  value === unknownValue ||
  (typeof value === "object" && value !== null && Object.values(value).some(hasUnknown));
