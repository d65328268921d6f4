/**
 * Symbols of texts, and their numbers.
 *
 * @module
 */

/** Names of the symbols that no text has: padding, and the start of a sequence. */
const SPECIAL = ["<pad>", "<start>"] as const;

/** Number of the padding, which an Embedding with `mask_zero` leaves out. */
export const PADDING = 0;

/** Number of the symbol at the start of a sequence. */
export const START = 1;

/**
 * Vocabulary of characters or bytes. Number 0 is padding and number 1 the start of a sequence; the
 * others are the symbols in their order.
 *
 * @example
 * ```ts
 * import { Vocabulary } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const vocabulary = Vocabulary.ofTexts(["to be"]);
 * assertEquals(vocabulary.symbols, ["<pad>", "<start>", " ", "b", "e", "o", "t"]);
 * assertEquals(vocabulary.decode(vocabulary.encode("beet")), "beet");
 * ```
 */
export class Vocabulary {
  /** Names of all symbols, in the order of their numbers. */
  readonly symbols: readonly string[];
  /** Kind of the symbols. */
  readonly kind: "characters" | "bytes";
  readonly #numbers: ReadonlyMap<string, number>;

  private constructor(kind: Vocabulary["kind"], symbols: readonly string[]) {
    this.kind = kind;
    this.symbols = [...SPECIAL, ...symbols];
    this.#numbers = new Map(this.symbols.map((symbol, i) => [symbol, i]));
  }

  /** Makes the vocabulary of the characters of texts, in the order of their code points. */
  static ofTexts(texts: Iterable<string>): Vocabulary {
    const found = new Set<string>();
    for (const text of texts) {
      for (const character of text) found.add(character);
    }
    return Vocabulary.ofCharacters(found);
  }

  /** Makes a vocabulary of characters, which it sorts by their code points. */
  static ofCharacters(characters: Iterable<string>): Vocabulary {
    const sorted = [...new Set(characters)].toSorted((a, b) =>
      (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0)
    );
    return new Vocabulary("characters", sorted);
  }

  /**
   * Makes the vocabulary of the 256 bytes of texts in UTF-8; its symbols have names like `0x41`.
   */
  static bytes(): Vocabulary {
    const names = Array.from(
      { length: 256 },
      (_, byte) => `0x${byte.toString(16).padStart(2, "0")}`,
    );
    return new Vocabulary("bytes", names);
  }

  /** Number of symbols, padding and start included. */
  get size(): number {
    return this.symbols.length;
  }

  /**
   * Gives the numbers of a text's symbols.
   *
   * @throws {RangeError} If the vocabulary lacks a character.
   */
  encode(text: string): Uint32Array {
    if (this.kind === "bytes") {
      return Uint32Array.from(new TextEncoder().encode(text), (byte) => byte + SPECIAL.length);
    }
    return Uint32Array.from(text, (character) => {
      const number = this.#numbers.get(character);
      if (number !== undefined) return number;
      throw new RangeError(
        `Cannot encode the text: expected characters of the vocabulary, got ${
          JSON.stringify(character)
        }`,
      );
    });
  }

  /** Gives the text of numbers; padding and start have none. */
  decode(numbers: Iterable<number>): string {
    const known = [...numbers].filter((number) => number >= SPECIAL.length && number < this.size);
    if (this.kind === "bytes") {
      return new TextDecoder().decode(Uint8Array.from(known, (number) => number - SPECIAL.length));
    }
    return known.map((number) => this.symbols[number] ?? "").join("");
  }
}
