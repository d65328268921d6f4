/**
 * The list of codecs: their exports and names.
 *
 * To add a codec, write its file, then export it and name it here.
 *
 * @module
 */

import { didYouMean } from "../base/did_you_mean.ts";
import { checkNamedOptions, readNamedOptions } from "../base/named_options.ts";
import { bf16 } from "./bf16.ts";
import type { Codec } from "./codec.ts";
import { delta } from "./delta.ts";
import { eden } from "./eden.ts";
import { f16 } from "./f16.ts";
import { f32 } from "./f32.ts";
import { int4 } from "./int4.ts";
import { CODEC_NAMES, type CodecName, DELTA, splitDelta } from "./names.ts";
import { int8 } from "./int8.ts";
import type { IntegerOptions } from "./integer.ts";
import { topK } from "./topk.ts";

export { CODEC_NAMES } from "./names.ts";
export * from "./bf16.ts";
export { delta, type DeltaCodec } from "./delta.ts";
export * from "./eden.ts";
export * from "./f16.ts";
export * from "./f32.ts";
export * from "./int4.ts";
export * from "./int8.ts";
export * from "./topk.ts";

/** A codec of a name. */
interface Entry {
  readonly numbers?: readonly string[];
  readonly texts?: readonly string[];
  make(
    numbers: Readonly<Record<string, number>>,
    texts: Readonly<Record<string, string>>,
  ): Codec;
}

/** The rounding is checked by the codec. */
const roundingOf = ({ rounding }: Readonly<Record<string, string>>): IntegerOptions =>
  rounding === undefined ? {} : { rounding: rounding as "nearest" };

const CODECS: Readonly<Record<CodecName, Entry>> = {
  "f16": { make: f16 },
  "bf16": { make: bf16 },
  "int8": { texts: ["rounding"], make: (_, texts) => int8(roundingOf(texts)) },
  "int4": { texts: ["rounding"], make: (_, texts) => int4(roundingOf(texts)) },
  "eden": { numbers: ["bits", "share"], make: eden },
  "f32": { make: f32 },
  "topk": { numbers: ["share"], make: topK },
};

/**
 * Makes a codec of a text such as `"f16"`, `"int8:rounding=stochastic"` or
 * `"eden:bits=1,share=0.1"`. With `"+delta"` at its end, as in `"int8+delta"`, parameters may be
 * sent as differences; `"delta"` alone stands for `"f32+delta"`.
 *
 * @throws {SyntaxError} If the text cannot be read.
 * @throws {RangeError} If there is no codec of the name, no option of a name, or an option is out
 * of range.
 *
 * @example
 * ```ts
 * import { codedBytes, parseCodec } from "@fedlab/core/codec";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(codedBytes(parseCodec("eden:bits=1"), 4096), 4096 / 8 + 4);
 * ```
 */
export function parseCodec(text: string): Codec {
  if (text === DELTA) return delta();
  const { whole, isDelta } = splitDelta(text);
  if (isDelta) return delta(parseCodec(whole));
  const { name, numbers, texts } = readNamedOptions("codec", text);
  const entry = Object.hasOwn(CODECS, name) ? CODECS[name as CodecName] : undefined;
  if (entry === undefined) {
    const names = CODEC_NAMES.join(", ");
    throw new RangeError(
      `Cannot make a codec: expected one of ${names}, got ${name}${didYouMean(name, CODEC_NAMES)}`,
    );
  }
  checkNamedOptions({ name, numbers, texts }, { numbers: [], ...entry });
  return entry.make(numbers, texts);
}
