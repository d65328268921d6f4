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
  /**
   * Names of all symbols, in the order of their numbers. A character is its own name, a control
   * character has one like `U+000A`.
   */
  readonly symbols: readonly string[];
  /** Kind of the symbols. */
  readonly kind: "characters" | "bytes";
  /** Characters in the order of their numbers; empty for bytes. */
  readonly #characters: readonly string[];
  readonly #numbers: ReadonlyMap<string, number>;

  private constructor(
    kind: Vocabulary["kind"],
    symbols: readonly string[],
    characters: readonly string[] = [],
  ) {
    this.kind = kind;
    this.symbols = [...SPECIAL, ...symbols];
    this.#characters = characters;
    this.#numbers = new Map(characters.map((one, i) => [one, SPECIAL.length + i]));
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
    return new Vocabulary("characters", sorted.map(nameOf), sorted);
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

  /**
   * Makes the vocabulary of a list of symbols, such as those of a schema.
   *
   * @throws {RangeError} If they are not those of a vocabulary: padding, start, and the characters
   * in the order of their code points, or the bytes.
   */
  static ofSymbols(symbols: readonly string[]): Vocabulary {
    const characters = symbols.slice(SPECIAL.length).map(characterOf);
    const all = [Vocabulary.bytes(), Vocabulary.ofCharacters(characters)];
    const same = all.find((one) =>
      one.size === symbols.length && one.symbols.every((symbol, i) => symbol === symbols[i])
    );
    if (same && (same === all[0] || characters.every(isOne))) return same;
    throw new RangeError(
      `Cannot read the vocabulary: expected ${
        SPECIAL.join(", ")
      } and characters in their order, or all bytes, got ${symbols.length} other symbols`,
    );
  }

  /** Number of symbols, padding and start included. */
  get size(): number {
    return this.symbols.length;
  }

  /** Number of the line feed; -1 if the vocabulary lacks it. */
  get lineFeed(): number {
    return this.has("\n") ? this.encode("\n")[0] ?? -1 : -1;
  }

  /** Returns true unless the vocabulary lacks a character. */
  has(character: string): boolean {
    return this.kind === "bytes" || this.#numbers.has(character);
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

  /**
   * Returns a function that gives the text of one number after the other, for bytes that of the
   * characters that are whole. Without a number it ends the text.
   */
  decoder(): (number?: number) => string {
    if (this.kind === "characters") {
      return (number) => this.#characters[(number ?? 0) - SPECIAL.length] ?? "";
    }
    const decoder = new TextDecoder();
    return (number) => {
      if (number === undefined) return decoder.decode();
      if (number < SPECIAL.length) return "";
      return decoder.decode(Uint8Array.of(number - SPECIAL.length), { stream: true });
    };
  }

  /** Gives the text of numbers; padding and start have none. */
  decode(numbers: Iterable<number>): string {
    const known = [...numbers].filter((number) => number >= SPECIAL.length && number < this.size);
    if (this.kind === "bytes") {
      return new TextDecoder().decode(Uint8Array.from(known, (number) => number - SPECIAL.length));
    }
    return known.map((number) => this.#characters[number - SPECIAL.length] ?? "").join("");
  }
}

const CONTROL = /^\p{Cc}$/u;

/** Returns the name of a character, which schemas may have. */
function nameOf(character: string): string {
  if (!CONTROL.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Returns the character of a name. */
function characterOf(name: string): string {
  const [, hex] = /^U\+(00[0189][0-9A-F]|007F)$/.exec(name) ?? [];
  return hex === undefined ? name : String.fromCodePoint(parseInt(hex, 16));
}

/** Returns true for a text of one character. */
function isOne(text: string): boolean {
  return [...text].length === 1;
}
