/** Why a guest runs elsewhere than it is placed, as data: one kind for each thing that a policy can say of it. */
export type Reason = {
  kind: "drained";
  /** The drained host, on which it would run otherwise. */
  host: string;
};

/** The reason in words, as is said of a move: "host2 is drained". They are kept in the states of stacks. */
export function reasonText(reason: Reason): string {
  switch (reason.kind) {
    case "drained":
      return `${reason.host} is drained`;
  }
}
