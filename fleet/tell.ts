/**
 * Shows a line to the person.
 *
 * @param isPassing it is shown while it is news: the next one takes its place. Default: it stays
 */
export type Tell = (line: string, isPassing?: boolean) => void;
