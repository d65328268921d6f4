/**
 * Tokenizer of a pretrained model.
 *
 * @module
 */

import { errorMessage } from "../../base/errors.ts";
import { sha256Hex } from "../../base/hash.ts";
import { isRecord } from "../../base/json.ts";
import { readBytes } from "../file.ts";
import type { Tokenizer } from "./deps.ts";

/** Most bytes of a file of a tokenizer. */
const MOST_BYTES = 64 * 2 ** 20;
/** Fewest tokens of a text: those that mark its start and end, and one of its own. */
const FEWEST_TOKENS = 3;

/** Default of {@linkcode TokenizerOptions.maxTokens}. */
export const DEFAULT_MAX_TOKENS = 128;

/** Options of {@linkcode TextTokenizer.open}. */
export interface TokenizerOptions {
  /**
   * SHA-256 of the file, in hexadecimal.
   *
   * @default Any file is accepted.
   */
  readonly sha256?: string;
  /**
   * Most tokens of a text, with those that mark its start and end; a longer text is cut.
   *
   * @default {128}
   */
  readonly maxTokens?: number;
}

/** Tokens of a text. */
export interface EncodedText {
  /** Numbers of the tokens, with those that mark the start and the end of the text. */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** Number of tokens that were left out because the text is too long. */
  readonly cut: number;
  /** Number of tokens for what the vocabulary lacks. */
  readonly unknown: number;
}

/**
 * Tokenizer of a pretrained model, from the `tokenizer.json` that Hugging Face's `tokenizers`
 * writes. Padding and truncation of the file are switched off: a text has its own tokens, cut at
 * `maxTokens` before those that mark its end. Token 0 must be that of the padding; where a text
 * spells it out, such as `[PAD]`, it becomes the token for the unknown.
 */
export class TextTokenizer {
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
  /** Most tokens of a text. */
  readonly maxTokens: number;
  /** Number of the vocabulary's tokens. */
  readonly size: number;
  readonly #tokenizer: Tokenizer;
  readonly #unknown: number | undefined;
  /** Numbers of the tokens after those of a text. */
  readonly #after: readonly number[];

  private constructor(
    tokenizer: Tokenizer,
    { sha256, maxTokens, size, unknown }: {
      sha256: string;
      maxTokens: number;
      size: number;
      unknown: number | undefined;
    },
  ) {
    this.sha256 = sha256;
    this.maxTokens = maxTokens;
    this.size = size;
    this.#tokenizer = tokenizer;
    this.#unknown = unknown;
    const { ids } = tokenizer.encode("a");
    const own = tokenizer.encode("a", { add_special_tokens: false }).ids.length;
    // A text stands behind a first token in all templates that have one.
    const before = ids.length > own ? 1 : 0;
    this.#after = ids.slice(before + own);
  }

  /**
   * Opens a tokenizer.
   *
   * @param source Path or bytes of its `tokenizer.json`.
   * @throws {Error} A class of `Deno.errors`, if the file cannot be read.
   * @throws {RangeError} If its digest is another one, or `maxTokens` is not a whole number from 3.
   * @throws {SyntaxError} If it is no tokenizer whose padding is token 0.
   */
  static async open(
    source: string | Uint8Array<ArrayBuffer>,
    { sha256, maxTokens = DEFAULT_MAX_TOKENS }: TokenizerOptions = {},
  ): Promise<TextTokenizer> {
    const isPath = typeof source === "string";
    const what = `Cannot use the tokenizer${isPath ? ` ${source}` : ""}`;
    if (!Number.isSafeInteger(maxTokens) || maxTokens < FEWEST_TOKENS) {
      throw new RangeError(`${what}: expected maxTokens from ${FEWEST_TOKENS}, got ${maxTokens}`);
    }
    const bytes = isPath ? await readBytes(source, { most: MOST_BYTES }) : source;
    const digest = await sha256Hex(bytes);
    if (sha256 !== undefined && digest !== sha256) {
      throw new RangeError(`${what}: expected the SHA-256 ${sha256}, got ${digest}`);
    }
    try {
      const { tokenizer, vocabulary, unknown } = await make(bytes);
      const size = 1 + vocabulary.values().reduce((most, id) => Math.max(most, id), 0);
      return new TextTokenizer(tokenizer, { sha256: digest, maxTokens, size, unknown });
    } catch (cause) {
      throw new SyntaxError(`${what}: ${errorMessage(cause)}`, { cause });
    }
  }

  /** Gives the tokens of a text. An empty text has only those that mark its start and end. */
  encode(text: string): EncodedText {
    const all = this.#tokenizer.encode(text).ids;
    const cut = Math.max(0, all.length - this.maxTokens);
    const kept = cut === 0
      ? all
      : [...all.slice(0, this.maxTokens - this.#after.length), ...this.#after];
    let unknown = 0;
    const ids = Uint32Array.from(kept, (id) => {
      const isUnknown = id === 0 || id === this.#unknown;
      if (isUnknown) unknown++;
      return isUnknown ? this.#unknown ?? id : id;
    });
    return { ids, cut, unknown };
  }
}

/** Makes the tokenizer that a file describes. */
async function make(bytes: Uint8Array<ArrayBuffer>): Promise<{
  tokenizer: Tokenizer;
  vocabulary: Map<string, number>;
  unknown: number | undefined;
}> {
  const file: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  if (!isRecord(file) || !isRecord(file.model)) {
    throw new SyntaxError("expected a tokenizer.json with a model");
  }
  const { padding, truncation: _, ...rest } = file;
  const { Tokenizer } = await import("./deps.ts");
  // The second file of a model has only names of special tokens, which the first has too.
  const tokenizer = new Tokenizer(rest, {});
  const vocabulary = tokenizer.get_vocab();
  const pad = isRecord(padding) ? padding.pad_id : paddingOf(vocabulary);
  if (pad !== 0) {
    throw new SyntaxError(`expected the padding to be token 0, got ${pad ?? "no padding"}`);
  }
  const name = file.model.unk_token;
  return {
    tokenizer,
    vocabulary,
    unknown: typeof name === "string" ? vocabulary.get(name) : undefined,
  };
}

function paddingOf(vocabulary: ReadonlyMap<string, number>): number | undefined {
  return vocabulary.get("[PAD]") ?? vocabulary.get("<pad>");
}
