/**
 * Third-party modules of this room, by full specifier.
 *
 * @module
 */

import "./formats/lend_buffer.ts";
// @ts-types="./formats/csv_parse.d.ts"
export { CsvError, parse as parseCsv } from "npm:csv-parse@7.0.3/sync";
import "./formats/take_buffer_back.ts";
