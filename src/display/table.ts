import { oneLine, shortened } from "../base/printable.ts";
import { escapeMarkup } from "./markup.ts";

/** Most characters of a cell that are shown. */
const MOST_CHARACTERS = 60;

/** Content of a cell: numbers are aligned to the right. */
export type Cell = string | number;

/** Cell with a look of its own or with HTML that is made already. */
export interface RichCell {
  /** Text, for the plain form and, escaped, for HTML. */
  readonly text: Cell;
  /** HTML instead of the text. */
  readonly html?: string;
  /** Style in CSS. */
  readonly style?: string;
  /** Is a heading of its row. */
  readonly isHead?: boolean;
}

/** Table with a line of headings. */
export interface TableContent {
  /** Headings of the columns. */
  readonly head: readonly Cell[];
  /** Rows of cells, as many as there are headings. */
  readonly rows: readonly (readonly (Cell | RichCell)[])[];
  /** Lines below the table, such as the number of rows that are not shown. */
  readonly notes?: readonly string[];
}

/** Formats a table in HTML. All texts are escaped, and long ones are cut. */
export function htmlTable({ head, rows, notes = [] }: TableContent): string {
  const line = (cells: readonly string[]) => `<tr>${cells.join("")}</tr>`;
  return [
    "<table>",
    `<thead>${line(head.map((cell) => htmlCell({ text: cell, isHead: true })))}</thead>`,
    "<tbody>",
    ...rows.map((row) => line(row.map((cell) => htmlCell(richOf(cell))))),
    "</tbody></table>",
    ...notes.map(htmlLine),
  ].join("\n");
}

/** Formats a line of text in HTML. */
export function htmlLine(text: string): string {
  return `<p>${escapeMarkup(oneLine(text))}</p>`;
}

/** Formats a table as text, its columns aligned. */
export function textTable({ head, rows, notes = [] }: TableContent): string {
  const lines = [head, ...rows].map((row) => row.map((cell) => richOf(cell).text));
  const widths = head.map((_, i) => Math.max(...lines.map((line) => shown(line[i] ?? "").length)));
  const formatted = lines.map((line) =>
    line.map((cell, i) => {
      const text = shown(cell), width = widths[i] ?? 0;
      return typeof cell === "number" ? text.padStart(width) : text.padEnd(width);
    }).join("  ").trimEnd()
  );
  return [...formatted, ...notes.map(oneLine)].join("\n");
}

function richOf(cell: Cell | RichCell): RichCell {
  return typeof cell === "object" ? cell : { text: cell };
}

function shown(cell: Cell): string {
  return shortened(oneLine(`${cell}`), MOST_CHARACTERS);
}

function htmlCell({ text, html, style, isHead = false }: RichCell): string {
  const align = `text-align: ${typeof text === "number" ? "right" : "left"}`;
  const content = html ?? escapeMarkup(shown(text));
  const looks = style === undefined ? align : `${align}; ${style}`;
  const name = isHead ? "th" : "td";
  return `<${name} style="${looks}">${content}</${name}>`;
}
