/** Longest text of a JSON value, in characters: its values take up to twenty times the memory. */
export const MAX_JSON = 2 ** 26;

/** Longest line of a table, in characters. */
export const MAX_LINE = 2 ** 24;

/** Most rows of a table: half of what the engine's arrays hold. */
export const MAX_ROWS = 2 ** 26;

/** Most classes: a larger label is taken for a mistake, such as a column of identifiers. */
export const MAX_CLASSES = 65_536;

/** Most different texts in a column of a table. */
export const MAX_TEXTS = 2 ** 22;

/** Most values of a table: 8 GiB of memory while it is read. */
export const MAX_VALUES = 2 ** 30;

/** Most characters of all different texts in a column of a table. */
export const MAX_TEXTS_LENGTH = 2 ** 28;

/** Most bytes that a gzip file of a table may have when it is unpacked. */
export const MAX_UNPACKED = 2 ** 36;
