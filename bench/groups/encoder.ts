/**
 * Speed of a pretrained encoder of texts: vectors of texts, and steps of its adapters, compared with
 * PyTorch.
 *
 * @module
 */

import { Random } from "../../src/base/random.ts";
import { Dataset } from "../../src/data/dataset.ts";
import { BaseMemory } from "../../src/encoder/base_memory.ts";
import { EncoderProgram } from "../../src/encoder/encoder_program.ts";
import { EncoderTrainer } from "../../src/encoder/encoder_trainer.ts";
import type { EncoderModel } from "../../src/train/models/encoder/encoder_model.ts";
import { initialEncoder } from "../../src/train/models/encoder/initial.ts";
import { parseEncoderModel } from "../../src/train/models/encoder/parse.ts";
import {
  ALL_MINILM_L6_V2,
  lora,
  textEncoder,
} from "../../src/train/models/encoder/text_encoder.ts";
import { processorMillis } from "../helpers/processor_time.ts";
import { startPyTorch } from "../helpers/pytorch.ts";
import { PLAN } from "../helpers/step.ts";
import { type BenchOptions, type BenchResult, median } from "../result.ts";

const REPETITIONS = 7;
const CLASSES = 77, MOST_TOKENS = 128;
/**
 * Numbers of tokens of 32 texts of BANKING77, a batch that is near the mean of random ones: padded to
 * its longest text it has 2.9 times the tokens.
 */
const LENGTHS = [
  ...[11, 25, 14, 10, 14, 14, 14, 21, 12, 45, 15, 11, 11, 19, 18, 22],
  ...[8, 12, 14, 11, 11, 14, 12, 13, 16, 11, 11, 33, 32, 12, 7, 11],
];

/** Measurement with the ratio to PyTorch that it should reach. */
interface Row {
  readonly name: string;
  /** Numbers of tokens of the texts. */
  readonly lengths: readonly number[];
  /** Number of the last layers with adapters; 0 for the vectors alone. */
  readonly layers: number;
  readonly target: number;
}

const ROWS: readonly Row[] = [
  { name: "vectors of 32 texts", lengths: LENGTHS, layers: 0, target: 1 },
  {
    name: "step of adapters of the last two layers on kept features, 16 texts",
    ...{ lengths: LENGTHS.slice(0, 16), layers: 2, target: 1.5 },
  },
  {
    name: "step of adapters of all six layers, 16 texts",
    ...{ lengths: LENGTHS.slice(0, 16), layers: 6, target: 1 },
  },
];

/** A base of the size of MiniLM, whose weights are random. */
function randomBase(): BaseMemory {
  const { encoder } = ALL_MINILM_L6_V2, { width, positions, vocabulary } = encoder;
  const base = new BaseMemory(encoder), random = new Random(1, "test");
  const fill = (at: number, length: number, middle = 0) => {
    const values = base.floats(at, length);
    for (let i = 0; i < length; i++) values[i] = middle + 0.1 * (random.uniform() - 0.5);
  };
  fill(base.words, vocabulary * width);
  fill(base.positions, positions * width);
  for (const { qkv, output, ffnIn, ffnOut, norm1, norm2 } of base.layers) {
    for (const { w, inputs, outputs } of [qkv, output, ffnIn, ffnOut]) fill(w, inputs * outputs);
    for (const { gamma } of [norm1, norm2]) fill(gamma, width, 1);
  }
  fill(base.embedNorm.gamma, width, 1);
  return base;
}

function modelOf(layers: number): EncoderModel {
  return parseEncoderModel(
    textEncoder({
      ...ALL_MINILM_L6_V2,
      ...{ numClasses: CLASSES, maxTokens: MOST_TOKENS },
      ...(layers > 0 && { adapters: lora({ layers }) }),
    }).topology,
  );
}

/** Returns the function of a row's work on the engine. */
function workOf(base: BaseMemory, { lengths, layers }: Row): () => void {
  const model = modelOf(layers);
  const texts = lengths.map((length) => Array.from({ length }, (_, i) => 1000 + i * 37 % 20_000));
  if (layers === 0) {
    const program = new EncoderProgram(base, model, []);
    return () => program.pool(program.embed(texts));
  }
  const features = new Float32Array(texts.length * MOST_TOKENS);
  texts.forEach((text, i) => features.set(text, i * MOST_TOKENS));
  const labels = Int32Array.from(texts, (_, i) => i);
  const trainer = new EncoderTrainer(base, model, "softmaxCrossEntropy");
  trainer.parameters = initialEncoder(model, 1).parameters;
  trainer.use(new Dataset(features, labels, [MOST_TOKENS], CLASSES));
  trainer.shuffle(Uint32Array.from(labels));
  trainer.begin({ ...PLAN, optimizer: "adam", momentum: 0 }, texts.length);
  return () => void trainer.step(0, texts.length);
}

/**
 * Measures the encoder on one thread, by processor time: vectors or steps per second to those of
 * PyTorch on one thread, which pads the texts, where it is installed.
 */
export async function* encoderBench({ signal }: BenchOptions): AsyncGenerator<BenchResult> {
  await using pytorch = await startPyTorch("pytorch_encoder.py");
  const base = randomBase();
  for (const row of ROWS) {
    const work = workOf(base, row), own: number[] = [], others: number[] = [];
    const kind = row.layers === 0 ? "evaluate" : "step";
    const lengths = row.lengths.join("-");
    const name = row.layers === 0 ? lengths : `${row.layers}/${lengths}`;
    // In turns, so that a slow moment of the machine affects both.
    for (let repetition = -1; repetition < REPETITIONS; repetition++) {
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
      const start = processorMillis();
      work();
      const millis = processorMillis() - start;
      const other = await pytorch?.time(kind, name, { rows: row.lengths.length, count: 1 });
      // The first time warms up.
      if (repetition < 0) continue;
      own.push(millis);
      if (other !== undefined) others.push(other);
    }
    const rate = 1000 / Math.min(...own);
    const ceiling = pytorch ? 1000 / Math.min(...others) : rate;
    yield {
      name: pytorch ? `${row.name}, of PyTorch ${pytorch.version}` : row.name,
      ...{ unit: "batches/s", value: rate, ceiling, ratio: rate / ceiling },
      ...{ min: Math.min(...own), median: median(own), target: pytorch && row.target },
    };
  }
}
