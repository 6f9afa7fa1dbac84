import type { Struck } from "./moments.ts";

/** Something that goes wrong with a move, and what puts the machines (not the guest) in order again. */
export interface Fault {
  /** As the table says it. */
  readonly name: string;
  /** Before the move is asked for: what it will run into. */
  prepare?(struck: Struck): Promise<unknown>;
  /**
   * At the moment of the case.
   *
   * @param cli the process of the `pulumi up` that moves the guest
   */
  strike?(struck: Struck, cli: number): Promise<unknown>;
  /** After the struck `up` has ended. What it does not find it leaves alone. */
  fix?(struck: Struck): Promise<unknown>;
  /** What a person does to the guest then, before the next `up`. */
  byHand?(struck: Struck): Promise<unknown>;
  /** What the next `up` may say instead of putting things right: a person then ends both copies, as it says, and runs it again. */
  readonly leftToPeople?: RegExp;
  /** What the error of one of the records must say. */
  readonly told?: RegExp;
}
