/** Shows a line of progress to the person. */
export type Tell = (line: string) => void;
