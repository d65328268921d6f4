/**
 * The CSV parser csv-parse, by full specifier.
 *
 * csv-parse calls `Buffer.from()` as it is loaded, and a browser, which has no `Buffer`, could then
 * not load this package. There, and nowhere else, `lend_buffer.ts` defines a stand-in, which
 * `take_buffer_back.ts` removes once csv-parse is loaded. The alternatives do not serve:
 *
 * - papaparse 5.7, udsv 0.7 and d3-dsv 3.0 read no quoted field after a space, report no quote
 *   within an unquoted field, and, d3-dsv apart, do not mix line ends in one text;
 * - the edition of csv-parse for browsers assigns to `__proto__`, which Deno does not have;
 * - a dynamic import needs a top-level `await`, during which a worker loses its first messages.
 *
 * @module
 */

import "./lend_buffer.ts";
export { CsvError, parse as parseCsv } from "npm:csv-parse@7.0.3/sync";
import "./take_buffer_back.ts";
