import { oneLine } from "../base/printable.ts";
import type { MediaBundle } from "./media.ts";
import { htmlLine, htmlTable, type TableContent, textTable } from "./table.ts";

/** Further content of {@linkcode headedTables}. */
export interface HeadedOptions {
  /** Tables of the rich form. Default: the same. */
  readonly rich?: readonly TableContent[];
  /** Pictures below the tables of the rich form, in HTML. */
  readonly pictures?: readonly string[];
}

/** Makes the forms of tables below a line of text. */
export function headedTables(
  heading: string,
  tables: readonly TableContent[],
  { rich = tables, pictures = [] }: HeadedOptions = {},
): MediaBundle {
  return {
    "text/plain": [oneLine(heading), ...tables.map(textTable)].join("\n"),
    "text/html": [htmlLine(heading), ...rich.map(htmlTable), ...pictures].join("\n"),
  };
}
