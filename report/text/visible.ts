/**
 * What a terminal would obey instead of showing it (C0, DEL, C1), what ends a line for some programs and not for others (U+2028, U+2029),
 * what turns or hides the letters around it (marks of direction, of width zero, variation tags), what XML cannot hold (half of a pair of
 * surrogates, U+FFFE, U+FFFF).
 */
const unseen =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/** A text with nothing in it that is not seen: such characters stand there as `\u{1b}`. */
export const visible = (text: string): string => text.replaceAll(unseen, shownAs);

/** As {@link visible}; what is meant to have several lines keeps their ends. */
export const visibleLines = (text: string): string => text.split("\n").map(visible).join("\n");

/** The longest word that a table for the terminal takes as one: names that a stack may have are shorter. */
const longestWord = 40;

/** A text whose words are not longer than {@link longestWord}: one long name would make every line of a table as long. */
export const chopped = (text: string, between: " " | "\n"): string =>
  text.replaceAll(new RegExp(`\\S{${longestWord}}(?=\\S)`, "gu"), `$&${between}`);

const shownAs = (letter: string): string =>
  letter === "\n" ? "\\n" : `\\u{${(letter.codePointAt(0) as number).toString(16)}}`;
