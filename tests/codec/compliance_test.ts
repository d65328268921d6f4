import type { Codec } from "../../src/codec/codec.ts";
import { parseCodec } from "../../src/codec/registry.ts";
import { type CodecTestOptions, testCodec } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const SPECS: Readonly<Record<string, CodecTestOptions>> = {
  "f16": { error: 1e-6 },
  "bf16": { error: 1e-5 },
  "int8": { error: 1e-4 },
  "int8:rounding=stochastic": { error: 2e-4, unbiased: true },
  "int4": { error: 0.02 },
  "int4:rounding=stochastic": { error: 0.04, unbiased: true },
  "eden:bits=1": { error: 0.6, unbiased: true },
  "eden:bits=2": { error: 0.14, unbiased: true },
  "eden:bits=3": { error: 0.04, unbiased: true },
  "eden:bits=4": { error: 0.011, unbiased: true },
  "eden:bits=1,share=0.1": { error: 16, unbiased: true },
  "eden:bits=3,share=0.7": { error: 0.55, unbiased: true },
  "topk:share=0.05": { error: 0.9 },
  "topk:share=1": { error: 0 },
  "f32": { error: 0 },
  "int8+delta": { error: 1e-4 },
};
for (const [spec, options] of Object.entries(SPECS)) testCodec(() => parseCodec(spec), options);

/** A codec as a user writes it: signs with the mean magnitude. */
const SIGNS: Codec = {
  name: "signs",
  size: (length) => ({ scales: Math.min(length, 1), codes: Math.ceil(length / 8) }),
  encode(vector, _key, { scales, codes }) {
    if (vector.length > 0) {
      scales[0] = vector.reduce((sum, x) => sum + Math.abs(x), 0) / vector.length;
    }
    vector.forEach((x, i) => codes[i >> 3] = (codes[i >> 3] ?? 0) | Number(x < 0) << (i & 7));
  },
  decode({ scales: [scale = 0], codes }, _key, into) {
    into.forEach((_, i) => into[i] = (codes[i >> 3] ?? 0) >> (i & 7) & 1 ? -scale : scale);
  },
};
testCodec(() => SIGNS, { error: 0.38 });
