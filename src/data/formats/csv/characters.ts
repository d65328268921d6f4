/** Bytes that have a meaning in text tables. */
export const SPACE = 0x20,
  TAB = 0x09,
  FEED = 0x0A,
  CARRIAGE = 0x0D,
  QUOTE = 0x22,
  APOSTROPHE = 0x27;
export const MINUS = 0x2D, PLUS = 0x2B, POINT = 0x2E, COMMA = 0x2C, ZERO = 0x30;
export const SMALL_E = 0x65, LARGE_E = 0x45;

/** Classes of bytes. Those up to `BLANK` may stand anywhere in a field. */
export const ORDINARY = 0, BLANK = 1, DELIMITER = 2, LINE_END = 3, QUOTES = 4, NUL = 5;

/**
 * Makes the table of the class of each byte.
 *
 * @param delimiter Delimiter in UTF-8, `undefined` for runs of blanks.
 * @param quotes Bytes that are quotes.
 */
export function classesOf(
  delimiter: Uint8Array | undefined,
  quotes: readonly number[],
): Uint8Array {
  const classes = new Uint8Array(256);
  classes[0] = NUL;
  classes[SPACE] = classes[TAB] = delimiter ? BLANK : DELIMITER;
  if (delimiter) classes[delimiter[0] ?? COMMA] = DELIMITER;
  classes[FEED] = classes[CARRIAGE] = LINE_END;
  for (const quote of quotes) classes[quote] = QUOTES;
  return classes;
}

/** Makes the table of the bytes that are skipped before and after a field. */
export function blanksOf(delimiter: Uint8Array | undefined): Uint8Array {
  const blanks = new Uint8Array(256);
  for (const byte of [SPACE, TAB]) blanks[byte] = delimiter?.[0] === byte ? 0 : 1;
  return blanks;
}
