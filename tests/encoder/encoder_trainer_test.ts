import { assert, assertEquals, assertThrows } from "@std/assert";
import { Random } from "../../src/base/random.ts";
import { Dataset } from "../../src/data/dataset.ts";
import type { Schema } from "../../src/data/schema/schema.ts";
import { loadBase } from "../../src/encoder/base_memory.ts";
import { EncoderTrainer } from "../../src/encoder/encoder_trainer.ts";
import type { ParameterVector } from "../../src/params/manifest.ts";
import type { Adapters, EncoderModel } from "../../src/train/models/encoder/encoder_model.ts";
import { ADAPTER_TARGETS } from "../../src/train/models/encoder/encoder_model.ts";
import {
  referenceLogits,
  referenceLoss,
  referenceWeights,
} from "../helpers/encoder/reference_encoder.ts";
import { SMALL, smallModel, smallWeights } from "../helpers/encoder/small_encoder.ts";

const TEXTS = [[3, 9, 1, 22, 7], [5], [2, 2, 8], [11, 0, 4, 17, 19, 6, 1, 1, 13, 12], [9, 21]];
const LABELS = [0, 3, 1, 1, 2];
const ALL: Adapters = {
  rank: 2,
  alpha: 3,
  targets: ADAPTER_TARGETS,
  layers: [0, 1, 2],
  train: "AB",
};

function dataOf(texts = TEXTS, labels = LABELS, maxTokens = 10): Dataset {
  const rows = texts.flatMap((text) => [
    ...text,
    ...new Array<number>(maxTokens - text.length).fill(0),
  ]);
  return new Dataset(Float32Array.from(rows), Int32Array.from(labels), [maxTokens], 4);
}

/** Random parameters, which no gradient leaves at 0. */
function parametersOf({ manifest }: EncoderTrainer, seed = 1): ParameterVector {
  const random = new Random(seed, "test");
  return Float32Array.from({ length: manifest.length }, () => 0.5 * random.normal());
}

async function trainerOf(more: Partial<EncoderModel>) {
  const weights = await smallWeights(), model = smallModel(weights, more);
  const base = await loadBase(weights, model.encoder);
  const trainer = new EncoderTrainer(base, model, "softmaxCrossEntropy");
  return { trainer, model, base, weights: await referenceWeights(weights) };
}

function inOrder(trainer: EncoderTrainer, data: Dataset, rows?: Uint32Array): void {
  trainer.use(data, rows);
  trainer.shuffle(Uint32Array.from({ length: (rows ?? data).length }, (_, i) => i));
}

const PLAN = {
  ...{ round: 1, epochs: 1, batchSize: 5, learningRate: 0.1, momentum: 0, weightDecay: 0 },
  ...{ keepMomentum: false, seed: 1, rank: 1 },
};

const CASES: Readonly<Record<string, Partial<EncoderModel>>> = {
  "all adapters": { adapters: ALL },
  "query and value of the last layer": {
    adapters: { ...ALL, targets: ["query", "value"], layers: [2] },
  },
  "the output of the attention of one layer in the middle": {
    adapters: { ...ALL, targets: ["output"], layers: [1], rank: 5 },
  },
  "ffn_in, on the first token": {
    adapters: { ...ALL, targets: ["ffn_in"], layers: [1, 2] },
    pooling: "cls",
  },
  "ffn_out alone, rank 1": { adapters: { ...ALL, targets: ["ffn_out"], layers: [1], rank: 1 } },
  "GELU by tanh": {
    adapters: { ...ALL, layers: [0, 2] },
    encoder: { ...SMALL, activation: "geluNew" },
  },
  "the head alone": {},
};

for (const [name, more] of Object.entries(CASES)) {
  Deno.test(`an encoder has outputs and gradients of its definition: ${name}`, async () => {
    const { trainer, model, weights } = await trainerOf(more);
    const vector = parametersOf(trainer), data = dataOf();
    trainer.parameters = vector;
    inOrder(trainer, data);
    const logits = referenceLogits(weights, model, vector, TEXTS);
    const outputs: number[] = [];
    trainer.judge(data, 0, data.length, { observe: (output) => outputs.push(...output) });
    logits.flat().forEach((want, i) => assert(Math.abs((outputs[i] ?? NaN) - want) < 2e-5));
    trainer.differentiate(0, data.length);
    const gradient = trainer.gradient, at = Array.from(vector);
    const loss = (i: number, by: number) => {
      const moved = at.with(i, (at[i] ?? NaN) + by);
      return referenceLoss(referenceLogits(weights, model, moved, TEXTS), LABELS);
    };
    for (const { name, offset, length } of trainer.manifest.tensors) {
      // A few values of each tensor.
      for (let i = offset; i < offset + length; i += Math.ceil(length / 3)) {
        const want = (loss(i, 1e-5) - loss(i, -1e-5)) / 2e-5;
        assert(Math.abs((gradient[i] ?? NaN) - want) < 1e-5, `${name} ${gradient[i]} ${want}`);
      }
    }
    trainer[Symbol.dispose]();
  });
}

Deno.test("EncoderTrainer sums the gradients of the pieces of a batch", async () => {
  const { trainer } = await trainerOf({ adapters: ALL });
  // More tokens than are computed at once.
  const texts = Array.from({ length: 120 }, (_, i) => TEXTS[i % TEXTS.length] ?? []);
  const data = dataOf(texts, texts.map((_, i) => LABELS[i % LABELS.length] ?? 0));
  trainer.parameters = parametersOf(trainer);
  inOrder(trainer, data);
  const { loss } = trainer.differentiate(0, 120), gradient = trainer.gradient.slice();
  inOrder(trainer, dataOf());
  const few = trainer.differentiate(0, 5);
  assert(Math.abs(loss / 24 - few.loss) < 1e-4);
  trainer.gradient.forEach((want, i) =>
    assert(
      Math.abs((gradient[i] ?? NaN) - want) < 1e-5 * Math.max(1, Math.abs(want)),
      `${gradient[i]} ${want}`,
    )
  );
  trainer[Symbol.dispose]();
});

for (const features of ["float32", "float16"] as const) {
  Deno.test(`EncoderTrainer keeps ${features} features, which change no result`, async () => {
    const adapters = { ...ALL, layers: [1, 2] };
    const { trainer, base } = await trainerOf({ adapters, features });
    trainer.parameters = parametersOf(trainer);
    const data = dataOf(), alone = dataOf([TEXTS[3] ?? []], [1]);
    const outputs = (of: Dataset) => {
      const values: number[] = [];
      trainer.judge(of, 0, of.length, { observe: (output) => values.push(...output) });
      return values;
    };
    const first = outputs(data), bytes = base.features.bytes;
    const tokens = TEXTS.flat().length;
    assertEquals(bytes, tokens * SMALL.width * (features === "float32" ? 4 : 2));
    assertEquals(outputs(data), first);
    assertEquals(base.features.bytes, bytes);
    // A text's features do not depend on the texts that are computed with it.
    assertEquals(outputs(alone), first.slice(12, 16));
    trainer[Symbol.dispose]();
  });
}

Deno.test("EncoderTrainer trains A in even rounds and B in odd ones, where they take turns", async () => {
  const { trainer } = await trainerOf({ adapters: { ...ALL, train: "alternate" } });
  trainer.parameters = parametersOf(trainer);
  inOrder(trainer, dataOf());
  for (const round of [1, 2, 3]) {
    const before = trainer.parameters.slice();
    trainer.begin({ ...PLAN, round, optimizer: "adam" }, 5);
    trainer.step(0, 5);
    const after = trainer.parameters;
    for (const { name, offset, length } of trainer.manifest.tensors) {
      const stays = name.endsWith(round % 2 === 1 ? "lora_A" : "lora_B");
      const isSame = after.subarray(offset, offset + length)
        .every((value, i) => value === before[offset + i]);
      assertEquals(isSame, stays, `${name} in round ${round}`);
    }
  }
  trainer[Symbol.dispose]();
});

Deno.test("trainers of one base share its memory, and give theirs back", async () => {
  const { trainer, model, base } = await trainerOf({ adapters: ALL });
  const free = base.arena.available;
  trainer.parameters = parametersOf(trainer);
  inOrder(trainer, dataOf());
  trainer.begin(PLAN, 5);
  trainer.step(0, 5);
  const after = trainer.parameters.slice();

  const other = new EncoderTrainer(base, { ...model, units: 7 }, "softmaxCrossEntropy");
  trainer.parameters = parametersOf(trainer);
  for (const each of [trainer, other]) {
    inOrder(each, dataOf());
    each.begin(PLAN, 5);
  }
  other.step(0, 5);
  trainer.step(0, 5);
  assertEquals(trainer.parameters, after);
  other[Symbol.dispose]();
  assertEquals(base.arena.available, free);
  trainer[Symbol.dispose]();
});

Deno.test("EncoderTrainer refuses rows that are no texts", async () => {
  const { trainer } = await trainerOf({});
  assertThrows(() => trainer.use(dataOf([[1, 23]], [0])), RangeError, "row 0");
  assertThrows(() => trainer.use(dataOf([[1], [1.5]], [0, 1])), RangeError, "got 1.5");
  assertThrows(() => trainer.use(dataOf([[1], [0]], [0, 1])), RangeError, "padding alone");
  assertThrows(() => trainer.use(dataOf([[1]], [0], 12)), RangeError, "[10], the data has [12]");
  trainer[Symbol.dispose]();
  const ofTokenizer = (tokenizer: string) => {
    const { features, targets, shape, numClasses } = dataOf();
    const schema: Schema = {
      format: "fedlab.schema/1",
      inputs: [{ name: "text", kind: "sequence", shape, tokenizer }],
      target: { name: "label", task: "classification", classes: ["a", "b", "c", "d"] },
    };
    return Dataset.of({ features, targets, shape, task: "classification", numClasses, schema });
  };
  const own = "1".repeat(64), other = "2".repeat(64);
  const { trainer: chosen } = await trainerOf({ tokenizer: own });
  chosen.use(ofTokenizer(own));
  chosen.use(dataOf());
  const message = `expected tokens of the tokenizer ${own}, with which the base was trained`;
  assertThrows(() => chosen.use(ofTokenizer(other)), RangeError, message);
  chosen[Symbol.dispose]();
});

Deno.test("EncoderTrainer gives back what it has taken where the memory has no room for all", async () => {
  const { trainer, model, base } = await trainerOf({});
  const free = base.arena.available;
  assertThrows(
    () => new EncoderTrainer(base, { ...model, units: 2 ** 16 }, "softmaxCrossEntropy"),
    RangeError,
    "Cannot hold another model on the base",
  );
  assertEquals(base.arena.available, free);
  assertThrows(() => trainer.checkClips(), Error, "got an encoder of texts");
  trainer[Symbol.dispose]();
});
