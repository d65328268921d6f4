/**
 * Reader of ARFF, the format of Weka and OpenML.
 *
 * @module
 */

import { concat } from "../../base/bytes.ts";
import { MAX_LINE } from "../limits.ts";
import { APOSTROPHE, CARRIAGE, FEED, QUOTE } from "./csv/characters.ts";
import { CsvReader } from "./csv/csv.ts";
import type { RawTable, ReadTableOptions } from "./raw_table.ts";

const LENIENT = new TextDecoder();
const ENCODER = new TextEncoder();
const ATTRIBUTE = /^\s*@attribute\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s{]+)\s*(.+?)\s*$/i;

/**
 * Reader of ARFF in UTF-8 that comes in pieces: names and kinds come from `@attribute`, rows follow
 * `@data` as in CSV. Columns of nominal values and strings have texts. Where another column has
 * texts after numbers, the text is to be given a second time.
 */
export class ArffReader {
  readonly #name: string;
  readonly #options: ReadTableOptions;
  readonly #size: number;
  #names: string[] = [];
  #texts: number[] = [];
  #line = 0;
  #start: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #rows: CsvReader | undefined;
  #isInRows = false;
  #hasData = false;

  /** Starts a table that messages call `name`, whose file has `size` bytes. */
  constructor(name: string, options: ReadTableOptions, size: number) {
    this.#name = name;
    this.#options = options;
    this.#size = size;
  }

  /**
   * Reads the next piece.
   *
   * @throws {SyntaxError} If the text is malformed.
   */
  push(piece: Uint8Array): void {
    if (this.#isInRows) return this.#pushRows(piece);
    const bytes = concat([this.#start, piece]);
    let start = 0;
    for (let i = 0; i < bytes.length && !this.#isInRows; i++) {
      const isCarriage = bytes[i] === CARRIAGE;
      if (bytes[i] !== FEED && !isCarriage) continue;
      if (isCarriage && i + 1 === bytes.length) break;
      const line = LENIENT.decode(bytes.subarray(start, i));
      if (isCarriage && bytes[i + 1] === FEED) i++;
      start = i + 1;
      this.#headerLine(line);
    }
    const rest = bytes.subarray(start);
    if (this.#isInRows) return this.#pushRows(rest);
    if (rest.length > MAX_LINE) {
      throw new SyntaxError(
        `Cannot read ${this.#name}: line ${
          this.#line + 1
        }: expected at most ${MAX_LINE} characters, got more`,
      );
    }
    this.#start = rest.slice();
  }

  /**
   * Ends the text. Gives the table, or `undefined` if the text is to be given again.
   *
   * @throws {SyntaxError | RangeError} If the text is no such table.
   */
  end(): RawTable | undefined {
    if (!this.#rows || !this.#isInRows) {
      throw new SyntaxError(`Cannot read ${this.#name}: expected a line @data, got none`);
    }
    const table = this.#rows.end();
    this.#isInRows = this.#hasData = false;
    this.#names = [];
    this.#texts = [];
    this.#line = 0;
    this.#start = new Uint8Array(0);
    return table;
  }

  #headerLine(line: string): void {
    this.#line++;
    if (/^\s*@data\b/i.test(line)) return this.#beginRows();
    if (!/^\s*@attribute\b/i.test(line)) {
      if (/^\s*(%|@relation\b|$)/i.test(line)) return;
      this.#refuse(this.#line, `expected @relation, @attribute or @data, got ${shown(line)}`);
    }
    const [, name = "", kind = ""] = ATTRIBUTE.exec(line) ?? [];
    if (name === "") this.#refuse(this.#line, "expected a name and a type after @attribute");
    if (/^(\{|string\b|date\b)/i.test(kind)) this.#texts.push(this.#names.length);
    else if (!/^(numeric|real|integer)\b/i.test(kind)) {
      this.#refuse(
        this.#line,
        `expected the type numeric, string, date or {values}, got ${shown(kind)}`,
      );
    }
    this.#names.push(/^['"]/.test(name) ? name.slice(1, -1).replace(/\\(.)/g, "$1") : name);
  }

  #beginRows(): void {
    if (this.#names.length === 0) this.#refuse(this.#line, "expected @attribute before @data");
    this.#isInRows = true;
    this.#rows ??= new CsvReader({
      ...this.#options,
      header: true,
      delimiter: this.#options.delimiter ?? ",",
      comment: "%",
      skipRows: 0,
      textColumns: [...this.#options.textColumns ?? [], ...this.#texts],
      quotes: [QUOTE, APOSTROPHE],
      name: this.#name,
      size: this.#size,
      linesBefore: this.#line - 1,
    });
    const names = this.#names.map((name) => `"${name.replaceAll('"', '""')}"`);
    this.#rows.push(ENCODER.encode(`${names.join(this.#options.delimiter ?? ",")}\n`));
  }

  #pushRows(piece: Uint8Array): void {
    const [, first = ""] = this.#hasData
      ? []
      : /^(?:\s|%.*)*(\S)/.exec(LENIENT.decode(piece)) ?? [];
    if (first !== "") this.#hasData = true;
    if (first === "{") {
      throw new SyntaxError(
        `Cannot read ${this.#name}: its rows are sparse ({index value}), write them in full`,
      );
    }
    this.#rows?.push(piece);
  }

  #refuse(line: number, why: string): never {
    throw new SyntaxError(`Cannot read ${this.#name}: line ${line}: ${why}`);
  }
}

function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
