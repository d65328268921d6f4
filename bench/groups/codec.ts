/**
 * Speed of the codecs.
 *
 * @module
 */

import { decodeVector, encodeVector } from "../../src/codec/coding.ts";
import type { Codec, Coded } from "../../src/codec/codec.ts";
import { parseCodec } from "../../src/codec/registry.ts";
import { Random } from "../../src/base/random.ts";
import { Kernels } from "../../src/params/kernels.ts";
import type { ParameterVector } from "../../src/params/manifest.ts";
import { type BenchOptions, type BenchResult, rateResult } from "../result.ts";

/** Values of a vector: the CNN's 6.65 MB. */
const VALUES = 1_663_370;
const REPETITIONS = 20;
/** Codecs, and the goals of some in bytes per second. */
const CODECS: Readonly<Record<string, number | undefined>> = {
  "f16": undefined,
  "bf16": undefined,
  "int8": 5e9,
  "int8:rounding=stochastic": undefined,
  "int4": undefined,
  "eden:bits=1": 0.5e9,
  "eden:bits=1,share=0.1": undefined,
  "eden:bits=2": undefined,
  "eden:bits=4": undefined,
  "topk:share=0.05": undefined,
};

/**
 * Measures encoding and decoding of a vector of 1.66 million values in an arena. Value: its bytes as
 * float32 per second, for the two one after the other, with their checks. Ceiling: the goal, else a
 * plain copy of the vector there and back.
 */
export async function codecBench({ seed, signal }: BenchOptions): Promise<BenchResult[]> {
  const kernels = Kernels.create(6 * VALUES * Float32Array.BYTES_PER_ELEMENT);
  const vector = kernels.alloc(VALUES), decoded = kernels.alloc(VALUES).fill(0);
  const random = new Random(seed, "test");
  for (let i = 0; i < VALUES; i++) vector[i] = random.normal();
  const works = new Map<string, () => void>([["", () => {
    decoded.set(vector);
    vector.set(decoded);
  }]]);
  for (const spec of Object.keys(CODECS)) {
    const codec = parseCodec(spec), { scales, codes } = codec.size(VALUES);
    const coded = { scales: kernels.alloc(scales), codes: kernels.allocBytes(codes) };
    works.set(spec, thereAndBack(codec, vector, { coded, decoded, seed }));
  }
  const times = new Map<string, number[]>([...works.keys()].map((spec) => [spec, []]));
  for (let repetition = -2; repetition < REPETITIONS; repetition++) {
    for (const [spec, run] of works) {
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
      const start = performance.now();
      run();
      if (repetition >= 0) times.get(spec)?.push(performance.now() - start);
    }
  }
  const figures = (spec: string) => ({ bytes: vector.byteLength, times: times.get(spec) ?? [] });
  return Object.entries(CODECS).map(([spec, goal]) =>
    rateResult(
      `codec ${spec}`,
      figures(spec),
      goal === undefined ? figures("") : { bytes: goal / 1000, times: [1] },
      goal === undefined ? undefined : 1,
    )
  );
}

/** Returns work that encodes a vector and decodes it. */
function thereAndBack(
  codec: Codec,
  vector: ParameterVector,
  { coded, decoded, seed }: { coded: Coded; decoded: ParameterVector; seed: number },
): () => void {
  const key = { seed, round: 1, rank: 1 };
  return () => {
    encodeVector(codec, vector, key, coded);
    decodeVector(codec, coded, key, decoded);
  };
}
