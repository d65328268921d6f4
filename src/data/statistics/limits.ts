/**
 * Limits on the figures that leave a site.
 *
 * @module
 */

/** Fewest rows that a figure may be about, unless another number is given. */
export const DEFAULT_MIN_COUNT = 5;
/** Most values of a column that a site names. */
export const MOST_VALUES = 1000;
/** Most different numbers of a column whose rows are counted without being asked for. */
export const MOST_COUNTED_NUMBERS = 32;
/** Most columns of a site. */
export const MOST_COLUMNS = 100_000;
/** Bytes of figures, as JSON, after which the other columns are left for the next answer. */
export const PAGE_BYTES = 16_384;
/** Cells of a table after which the other columns are left for the next answer. */
export const PAGE_CELLS = 2 ** 22;
/** Most bytes of the values of one column, as JSON. */
export const VALUES_BYTES = 16_384;
/** Most groups of bins that the answer to one question has. */
export const MOST_ASKED_BINS = 4096;
/** Most cells of a site's table that one question is about. */
export const MOST_ASKED_CELLS = 2 ** 23;
/** Most columns that one question names. */
export const MOST_NAMED_COLUMNS = 500;
