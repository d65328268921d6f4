/**
 * Scanner of text tables: finds rows and fields in bytes.
 *
 * @module
 */

import { MAX_LINE } from "../../limits.ts";
import {
  BLANK,
  blanksOf,
  CARRIAGE,
  classesOf,
  DELIMITER,
  FEED,
  LINE_END,
  NUL,
  QUOTES,
} from "./characters.ts";
import { BYTES, type FieldSink, NUMBER, type ScannerOptions, SKIP } from "./field_sink.ts";
import { startsWith, withPiece } from "./with_piece.ts";
import { withoutDoubledQuotes } from "./doubled_quotes.ts";
import { longRowError } from "./long_row.ts";
import { NumberField } from "./number_field.ts";

/** Bytes of a row that is long. */
const LONG_ROW = 65_536;

/** Scanner of a text table in UTF-8 that comes in pieces. Quotes are those of RFC 4180. */
export class CsvScanner {
  readonly #sink: FieldSink;
  readonly #options: ScannerOptions;
  readonly #classes: Uint8Array;
  readonly #blanks: Uint8Array;
  readonly #number: NumberField;
  /** Bytes from the start of the row that has not ended yet, and one more byte. */
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;
  /** Length at which the bytes are scanned again. */
  #enough = 0;
  /** Lines that have ended. */
  #line = 0;
  /** Line on which the last row ended. */
  #rowLine = 0;
  #skip: number;
  #isFinal = false;
  #isEmptyField = false;
  /** Bytes of the rows that have ended. */
  rowBytes = 0;

  /** Starts at the first byte of a table. */
  constructor(sink: FieldSink, options: ScannerOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#classes = classesOf(options.delimiter, options.quotes);
    this.#line = options.linesBefore ?? 0;
    this.#blanks = blanksOf(options.delimiter);
    this.#number = new NumberField(options.decimal);
    this.#skip = options.skipRows;
  }

  /** Scans the next piece. Throws a `SyntaxError` if the text is malformed. */
  push(piece: Uint8Array): void {
    this.#bytes = withPiece(this.#bytes, this.#length, piece);
    this.#length += piece.length;
    if (this.#length >= this.#enough) this.#scan();
  }

  /** Scans what is left after the last piece. Throws as {@linkcode push} does. */
  end(): void {
    this.#isFinal = true;
    this.#scan();
  }

  #scan(): void {
    // A line end past the last byte ends each search.
    this.#bytes[this.#length] = FEED;
    let start = 0;
    while (start < this.#length) {
      const line = this.#line;
      const end = this.#scanLine(start);
      if (end < 0) {
        this.#line = line;
        if (this.#length - start > MAX_LINE) this.#refuseLong(start);
        break;
      }
      start = end;
    }
    this.#bytes.copyWithin(0, start, this.#length);
    this.#length = Math.max(0, this.#length - start);
    // A long row is not scanned again with every piece.
    this.#enough = this.#length > LONG_ROW ? Math.min(2 * this.#length, MAX_LINE + 1) : 0;
  }

  /** Scans a row, or a line without one. Gives the place after it, -1 if it has not ended. */
  #scanLine(start: number): number {
    const { comment } = this.#options;
    let i = this.#afterBlanks(start);
    if (this.#skip > 0 || (comment !== undefined && startsWith(this.#bytes, comment, i))) {
      while (this.#bytes[i] !== FEED && this.#bytes[i] !== CARRIAGE) i++;
    }
    if (this.#classes[this.#bytes[i] as number] !== LINE_END) return this.#scanRow(i);
    const end = this.#afterLineEnd(i);
    if (end >= 0 && this.#skip > 0) this.#skip--;
    return end;
  }

  #scanRow(start: number): number {
    const bytes = this.#bytes, classes = this.#classes, { delimiter } = this.#options;
    for (let column = 0, i = start;; column++) {
      let end = this.#scanField(i, column);
      if (end < 0) return -1;
      if (delimiter === undefined) end = this.#afterBlanks(end);
      if (classes[bytes[end] as number] === LINE_END) {
        const next = this.#afterLineEnd(end);
        if (next < 0) return -1;
        if (next - start > MAX_LINE) this.#refuseLong(start);
        this.#rowLine = this.#line;
        this.rowBytes += next - start;
        this.#sink.row(column + 1, this.#line, this.#isEmptyField);
        return next;
      }
      i = end + (delimiter?.length ?? 0);
    }
  }

  /** Scans a field. Gives the place of the delimiter or line end after it, -1 for none. */
  #scanField(start: number, column: number): number {
    const bytes = this.#bytes, sink = this.#sink, { wants } = sink;
    const want = column < wants.length ? wants[column] : BYTES;
    let first = this.#afterBlanks(start);
    if (want === NUMBER) {
      const next = this.#afterBlanksInRow(this.#number.read(bytes, first));
      const { value } = this.#number;
      // NaN is not equal to itself.
      if (value === value && this.#isEnd(next)) {
        if (next >= this.#length && !this.#isFinal) return -1;
        this.#isEmptyField = false;
        sink.number(column, value);
        return next;
      }
    }
    let next: number, end: number;
    const quote = bytes[first] as number;
    const isQuoted = this.#classes[quote] === QUOTES;
    if (isQuoted) {
      const closing = this.#closingQuote(++first, quote);
      if (closing < 0) return -1;
      next = this.#afterBlanksInRow(closing + 1);
      const { delimiter } = this.#options;
      if (next + (delimiter?.length ?? 1) > this.#length && !this.#isFinal) return -1;
      if (!this.#isEnd(next)) this.#refuse("a closing quote is followed by more than a delimiter");
      end = closing;
      const isNumber = want === NUMBER && this.#number.read(bytes, first) === closing;
      if (isNumber && !Number.isNaN(this.#number.value)) {
        this.#isEmptyField = false;
        sink.number(column, this.#number.value);
        return next;
      }
    } else {
      end = next = this.#fieldEnd(first);
      if (next >= this.#length && !this.#isFinal) return -1;
      while (end > first && this.#blanks[bytes[end - 1] as number] === 1) end--;
    }
    this.#isEmptyField = first === end;
    if (want === SKIP) return next;
    if (!isQuoted || !bytes.subarray(first, end).includes(quote)) {
      sink.bytes(column, bytes, first, end);
    } else {
      const field = withoutDoubledQuotes(bytes, first, end, quote);
      sink.bytes(column, field, 0, field.length);
    }
    return next;
  }

  /** Gives the place of the closing quote of a field, -1 if it is not there yet. */
  #closingQuote(first: number, quote: number): number {
    const bytes = this.#bytes;
    for (let i = first; i < this.#length; i++) {
      const byte = bytes[i];
      if (byte === quote) {
        if (bytes[i + 1] !== quote) return i + 1 < this.#length || this.#isFinal ? i : -1;
        i++;
      } else if (byte === FEED || (byte === CARRIAGE && bytes[i + 1] !== FEED)) this.#line++;
    }
    if (!this.#isFinal || this.#length - first > MAX_LINE) return -1;
    throw new SyntaxError(
      `Cannot read ${this.#options.name}: a quoted field that begins after line ${this.#rowLine} is not closed`,
    );
  }

  /** Gives the end of a field without quotes. */
  #fieldEnd(first: number): number {
    const bytes = this.#bytes, classes = this.#classes;
    for (let i = first;; i++) {
      let kind;
      while ((kind = classes[bytes[i] as number] as number) <= BLANK) i++;
      if (kind === LINE_END || (kind === DELIMITER && this.#isEnd(i))) return i;
      if (kind === QUOTES) {
        this.#refuse("a quote stands inside a field that does not begin with one");
      }
      if (kind === NUL) {
        this.#refuse(
          "expected text, got a NUL byte, check the file and its encoding (option encoding, --encoding)",
        );
      }
    }
  }

  /** Returns true if a field ends at a place. */
  #isEnd(place: number): boolean {
    const kind = this.#classes[this.#bytes[place] as number];
    if (kind === LINE_END) return true;
    const { delimiter } = this.#options;
    if (kind !== DELIMITER) return false;
    return delimiter === undefined || delimiter.length === 1 ||
      startsWith(this.#bytes, delimiter, place);
  }

  #afterBlanks(place: number): number {
    while (this.#blanks[this.#bytes[place] as number] === 1) place++;
    return place;
  }

  #afterBlanksInRow(place: number): number {
    return this.#options.delimiter === undefined ? place : this.#afterBlanks(place);
  }

  /** Gives the place after a line end, -1 if more is needed, and counts the line. */
  #afterLineEnd(place: number): number {
    if (place >= this.#length) {
      if (!this.#isFinal) return -1;
      this.#line++;
      return this.#length;
    }
    const isCarriage = this.#bytes[place] === CARRIAGE;
    if (isCarriage && place + 1 === this.#length && !this.#isFinal) return -1;
    this.#line++;
    return isCarriage && this.#bytes[place + 1] === FEED ? place + 2 : place + 1;
  }

  #refuse(why: string): never {
    throw new SyntaxError(`Cannot read ${this.#options.name}: line ${this.#line + 1}: ${why}`);
  }

  #refuseLong(start: number): never {
    const row = this.#bytes.subarray(start, start + MAX_LINE + 1);
    throw longRowError(this.#options.name, this.#rowLine, row);
  }
}
