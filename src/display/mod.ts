/**
 * Tables and charts of notebooks and files, without any data of their own.
 *
 * @module
 */

export { bytes, counted, percent } from "./amounts.ts";
export { type Axis, type ChartOptions, type Line, lineChart, PALETTE } from "./line_chart.ts";
export { escapeMarkup } from "./markup.ts";
export { embedded, embeddedPicture, type MediaBundle } from "./media.ts";
export { type HeadedOptions, headedTables } from "./headed_tables.ts";
export {
  type Cell,
  htmlLine,
  htmlTable,
  type RichCell,
  type TableContent,
  textTable,
} from "./table.ts";
