/** What is written into a file or a pipe: a width that editors and issues show whole. */
const otherwise = 120;
/** Narrower, a table has no room for two columns. */
const least = 40;

/** How many letters a line may have: the terminal's own width; else what COLUMNS says; else {@link otherwise}. */
export function terminalWidth(
  { columns }: { columns?: number | undefined } = process.stdout,
  env: { COLUMNS?: string | undefined } = process.env,
): number {
  const said = Number(env.COLUMNS);
  const width = columns || (Number.isInteger(said) && said > 0 ? said : otherwise);
  return Math.max(least, width);
}

/** A text in lines of at most so many letters, as far as its words let it. */
export function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join("\n");
}
