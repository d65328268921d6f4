/**
 * The longest text that the engine holds, in characters (V8 on 64 bits), which are as many bytes in
 * a table of numbers.
 */
export const MAX_TEXT = 2 ** 29 - 24;

/**
 * The longest text of one JSON value, in characters: what it becomes takes up to twenty times as
 * much memory.
 */
export const MAX_JSON = 2 ** 26;

/** The longest line of a table, in characters. */
export const MAX_LINE = 2 ** 24;

/** Most rows of a table: the engine's lists do not hold more than twice as many. */
export const MAX_ROWS = 2 ** 26;

/** Above this a label is taken for a mistake, such as a column of identifiers. */
export const MAX_CLASSES = 65_536;
