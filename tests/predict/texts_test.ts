import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { evaluateModel } from "../../src/predict/evaluate.ts";
import { Predictor } from "../../src/predict/mod.ts";
import { Dataset, initialParameters } from "../../mod.ts";
import { sha256Hex } from "../../src/base/hash.ts";
import { arraySource } from "../../src/data/sources/array_source.ts";
import { textSource } from "../../src/data/text/text_source.ts";
import { tokenDataset } from "../../src/data/text/token_dataset.ts";
import { TextTokenizer } from "../../src/data/text/tokenizer.ts";
import { EncoderBase } from "../../src/encoder/encoder_base.ts";
import { createInference } from "../../src/engine/inference.ts";
import { textEncoder } from "../../src/train/models/encoder/text_encoder.ts";
import { modelByName, modelOptionsOf } from "../../src/train/models/models.ts";
import { SMALL, smallFile } from "../helpers/encoder/small_encoder.ts";
import { smallTokenizer } from "../helpers/encoder/small_tokenizer.ts";
import { weightsOf } from "../helpers/encoder/weights_file.ts";

Deno.test.sanitizer({ ops: true, resources: true });

function softmax(logits: readonly number[]): number[] {
  const odds = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const sum = odds.reduce((a, b) => a + b, 0);
  return odds.map((one) => one / sum);
}

async function encoderOfTexts() {
  const file = smallFile(),
    tokenizer = await TextTokenizer.open(smallTokenizer(), { maxTokens: 5 });
  const { data } = tokenDataset(
    { texts: ["my card", "lost cards"], labels: ["where", "gone"] },
    { tokenizer },
  );
  const model = textEncoder({
    base: { sha256: await sha256Hex(file), bytes: file.length, format: "safetensors" },
    ...{ encoder: SMALL, tokenizer: tokenizer.sha256, numClasses: 2, maxTokens: 5 },
  });
  const { manifest, parameters } = await initialParameters(model, 1);
  parameters.forEach((_, i) => parameters[i] = Math.sin(i));
  const { schema } = data;
  const trained = { model, manifest, parameters, metadata: {}, ...(schema && { schema }) };
  return { base: new EncoderBase(await weightsOf(file)), trained, tokenizer, data };
}

Deno.test("Predictor reads texts by the tokenizer of the model's base", async () => {
  const { base, trained, tokenizer, data } = await encoderOfTexts();
  using _base = base;
  await using predictor = await Predictor.of(trained, { base, tokenizer: smallTokenizer() });
  const rows = [
    { who: "a", text: "my card" },
    { who: "b", text: "lost cards" },
    { who: "c", text: " " },
    { who: "d", text: "my 🦕 my lost card" },
  ];
  const predictions = await predictor.predict(rows, { idColumn: "who" });
  assertEquals([predictions.length, predictions.numMissing, predictions.at(2)], [4, 1, undefined]);
  assertEquals(predictions.at(3)?.id, "d");
  assertEquals(predictions.notes, [
    "1 of 4 texts from row 1 on were cut to 5 tokens",
    "1 tokens of 4 texts from row 1 on are unknown to the tokenizer",
  ]);
  using inference = await createInference(trained.model, trained, { base });
  const logits = inference.run(data.features, [5]);
  for (const row of [0, 1]) {
    const wanted = softmax([...logits.subarray(row * 2, row * 2 + 2)]);
    const { probabilities = {} } = predictions.at(row) ?? {};
    assertAlmostEquals(probabilities.gone ?? NaN, wanted[0] ?? NaN, 1e-9);
  }
  // The data set of the schema has the same texts.
  const same = await predictor.predict(data);
  assertEquals(same.scores, predictions.scores.slice(0, 4));
  const { accuracy } = await evaluateModel(trained, arraySource({ name: "t", train: data }), {
    base,
  });
  const right = [...data.targets].filter((label, row) =>
    same.at(row)?.class === ["gone", "where"][label]
  );
  assertEquals(accuracy, right.length / 2);
  const small = await TextTokenizer.open(smallTokenizer(), { maxTokens: 4 });
  await assertRejects(
    () => Predictor.of(trained, { base, tokenizer: small }),
    RangeError,
    "with 4",
  );
  await using without = await Predictor.of(trained, { base });
  for (
    const [run, message] of [
      [() => Predictor.of(trained, {}), "(option base, --base)"],
      [
        () => Predictor.of(trained, { base, tokenizer: smallTokenizer({ version: "2" }) }),
        `expected the SHA-256 ${tokenizer.sha256}`,
      ],
      [() => without.predict(rows), "expected the tokenizer of the model's texts"],
      [() => predictor.predict([{ text: 7 }]), 'row 1: expected a text as "text", got number'],
    ] as const
  ) await assertRejects(async () => await run(), Error, message);
});

async function languageModel(mode: "lines" | "windows") {
  const authors = [{ name: "ann", lines: ["to be", "or not", "so é"] }];
  const { train } = await textSource({ name: "notes", authors, form: { mode, steps: 6 } })
    .arrange(undefined);
  const model = modelByName("gru:layers=1,units=8", modelOptionsOf(train));
  const { manifest, parameters } = await initialParameters(model, 5);
  const { schema } = train;
  return {
    train,
    trained: { model, manifest, parameters, metadata: {}, ...(schema && { schema }) },
  };
}

Deno.test("Predictor gives a class at each step of the texts of a language model", async () => {
  const { train, trained } = await languageModel("lines");
  await using predictor = await Predictor.of(trained);
  const predictions = await predictor.predict([{ line: "to be" }, { line: "" }, {
    line: "or not",
  }]);
  assertEquals([predictions.length, predictions.numMissing], [3, 0]);
  assertEquals(predictions.notes, ["1 of 3 texts from row 1 on were cut to 6 symbols"]);
  assertEquals([...predictions].map((one) => one?.steps?.length), [6, 1, 6]);
  using inference = await createInference(trained.model, trained);
  const { features, numClasses } = train, logits = inference.run(features.subarray(0, 6), [6]);
  const first = predictions.at(0)?.steps ?? [];
  for (const [step, { class: name, probabilities = {} }] of first.entries()) {
    const wanted = softmax([...logits.subarray(step * numClasses, (step + 1) * numClasses)]);
    const best = wanted.indexOf(Math.max(...wanted));
    assertEquals(name, predictor.names[best]);
    assertAlmostEquals(probabilities[name ?? ""] ?? NaN, wanted[best] ?? NaN, 1e-6);
  }
  // Data sets, in pieces too.
  const whole = await predictor.predict(train),
    parts = await predictor.predict(train, {
      pieceRows: 1,
    });
  assertEquals([whole.scores, whole.steps], [parts.scores, parts.steps]);
  assertEquals(whole.at(0)?.steps, first);
  for (
    const [line, message] of [
      ["to bx", 'row 1: expected characters of the vocabulary, got "x"'],
      ["to\nbe", "row 1: expected one line, got a line feed"],
    ] as const
  ) await assertRejects(() => predictor.predict([{ line }]), RangeError, message);
  const windows = await Predictor.of((await languageModel("windows")).trained);
  assertEquals((await windows.predict([{ window: "to\nbe" }])).at(0)?.steps?.length, 6);
  await windows[Symbol.asyncDispose]();
  const padding = Dataset.of({
    ...{ features: new Float32Array(6), targets: new Int32Array(6).fill(-1), outputs: 6 },
    ...{ shape: [6], task: "classification", numClasses },
    ...(train.schema && { schema: train.schema }),
  });
  assertEquals((await predictor.predict(padding)).at(0), undefined);
});
