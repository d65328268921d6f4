/**
 * Third-party modules of this room, by full specifier.
 *
 * @module
 */

import "./_lend_buffer.ts";
// @ts-types="./_csv_parse.d.ts"
export { CsvError, parse as parseCsv } from "npm:csv-parse@7.0.3/sync";
import "./_take_buffer_back.ts";
