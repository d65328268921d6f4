/** Uses of the fields of a column: none, as numbers where they are, or as bytes. */
export const SKIP = 0, NUMBER = 1, BYTES = 2;

/** Receiver of fields. A row may be given in part, and then again from its start. */
export interface FieldSink {
  /** Use of the fields of each column. Those past its end are given as bytes. */
  readonly wants: Uint8Array;
  /** Receives a field that is a number. */
  number(column: number, value: number): void;
  /** Receives any other field. */
  bytes(column: number, bytes: Uint8Array, start: number, end: number): void;
  /** Receives the end of a row of `width` fields, of which the last is `isEmpty`, on a line. */
  row(width: number, line: number, isEmpty: boolean): void;
}

/** Form of a text table. */
export interface ScannerOptions {
  /** Delimiter in UTF-8, `undefined` for runs of blanks. */
  readonly delimiter: Uint8Array | undefined;
  /** Byte of the decimal separator. */
  readonly decimal: number;
  /** Beginning of a comment, in UTF-8. */
  readonly comment: Uint8Array | undefined;
  /** Lines to skip at the beginning. */
  readonly skipRows: number;
  /** Bytes that are quotes. */
  readonly quotes: readonly number[];
  /** Lines of the file that come before the text. */
  readonly linesBefore?: number;
  /** Name of the table in messages. */
  readonly name: string;
}
