/**
 * Lines of a text that comes in pieces.
 *
 * @module
 */

import { MAX_LINE } from "../limits.ts";

const FEED = 0x0A, CARRIAGE = 0x0D;
/** Most bytes of UTF-8 for a character of a text. */
const MAX_CHARACTER_BYTES = 3;

/** Splitter of a text in UTF-8 into lines, which end with LF, CR or both. */
export class LineSplitter {
  readonly #name: string;
  readonly #onLine: (text: string, line: number) => void;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  /** Beginning of a line that has not ended yet. */
  #start: Uint8Array[] = [];
  #startLength = 0;
  #line = 0;
  #isAfterCarriage = false;

  /**
   * Starts a text.
   *
   * @param name Name of the text in messages.
   * @param onLine Receives each line and its number, from 1.
   */
  constructor(name: string, onLine: (text: string, line: number) => void) {
    this.#name = name;
    this.#onLine = onLine;
  }

  /**
   * Splits the next piece.
   *
   * @throws {SyntaxError} If a line is too long or not in UTF-8.
   */
  push(piece: Uint8Array): void {
    let start = 0;
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i];
      if (byte !== FEED && byte !== CARRIAGE) {
        this.#isAfterCarriage = false;
        continue;
      }
      const isSecond = byte === FEED && this.#isAfterCarriage;
      this.#isAfterCarriage = byte === CARRIAGE;
      if (!isSecond) this.#endLine(piece.subarray(start, i));
      start = i + 1;
    }
    if (start === piece.length) return;
    this.#start.push(piece.slice(start));
    this.#startLength += piece.length - start;
    if (this.#startLength > MAX_CHARACTER_BYTES * MAX_LINE) this.#refuse(this.#line + 1, "more");
  }

  /** Ends the text. Throws as {@linkcode push} does. */
  end(): void {
    if (this.#startLength > 0) this.#endLine(new Uint8Array(0));
  }

  #endLine(rest: Uint8Array): void {
    this.#line++;
    let text = "";
    try {
      for (const part of this.#start) text += this.#decoder.decode(part, { stream: true });
      text += this.#decoder.decode(rest);
    } catch (cause) {
      throw new SyntaxError(
        `Cannot read ${this.#name}: line ${this.#line}: expected UTF-8, got other bytes, say the encoding (option encoding, --encoding windows-1252)`,
        { cause },
      );
    }
    this.#start = [];
    this.#startLength = 0;
    if (text.length > MAX_LINE) this.#refuse(this.#line, `${text.length}`);
    this.#onLine(text, this.#line);
  }

  #refuse(line: number, got: string): never {
    throw new SyntaxError(
      `Cannot read ${this.#name}: line ${line}: expected at most ${MAX_LINE} characters, got ${got}`,
    );
  }
}
