/**
 * The CSV parser csv-parse, by full specifier.
 *
 * As csv-parse is loaded, it calls `Buffer.from()`. A browser has no `Buffer`, and could then not
 * load this package: there, `define_buffer.ts` defines a stand-in, which `remove_buffer.ts` removes
 * once csv-parse is loaded. On Deno neither does anything. The alternatives fail:
 *
 * - papaparse 5.7, udsv 0.7 and d3-dsv 3.0 do not read a quoted field after a space and accept a
 *   quote within an unquoted field; papaparse and udsv do not read mixed line ends;
 * - the edition of csv-parse for browsers assigns to `__proto__`, which Deno does not have;
 * - a dynamic import needs a top-level `await`, during which a worker loses its first messages.
 *
 * @module
 */

import "./define_buffer.ts";
export { CsvError, parse as parseCsv } from "npm:csv-parse@7.0.3/sync";
import "./remove_buffer.ts";
