/** Something that OpenSSH can do, and not all that connects to machines. */
export class Unusable extends Error {
  readonly fix: string;

  constructor(problem: string, fix: string) {
    super(problem);
    this.fix = fix;
  }
}
