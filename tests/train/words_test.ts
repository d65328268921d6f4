import { assertRejects, assertThrows } from "@std/assert";
import { ClientSGDHandler, Dataset } from "../../mod.ts";
import { modelByName } from "../../src/train/models/models.ts";
import { checkWords } from "../../src/train/words.ts";
import { sequential } from "../helpers/layer_models.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const TABLE = { name: "words", inputDim: 6, maskZero: true };

function sequences(features: readonly number[], targets: readonly number[], outputs = 3): Dataset {
  const labels = Int32Array.from(targets);
  return new Dataset(Float32Array.from(features), labels, [3], 6, { outputs });
}

Deno.test("checkWords() refuses what is no word, and classes of padded steps", () => {
  const labelled = sequences([1, 2, 0, 3, 4, 5], [2, 1, -1, 4, 5, 1]);
  checkWords(TABLE, labelled);
  checkWords(TABLE, sequences([0, 0, 0], [1], 1));
  const padded = sequences([1, 2, 0], [2, 1, 3]);
  checkWords({ ...TABLE, maskZero: false }, padded);
  for (
    const [data, message] of [
      [padded, "expected no class (-1) at steps of padding, got 3 at step 2 of row 0"],
      [sequences([1, 6, 0], [2, 1, -1]), "expected whole numbers from 0 to 5"],
      [sequences([1, 2.5, 0], [2, 1, -1]), "got 2.5 in row 0"],
    ] as const
  ) assertThrows(() => checkWords(TABLE, data), RangeError, message);
});

Deno.test("both engines refuse words and classes that no table has, and tfjs a masked mean", async () => {
  const words = ["Embedding", { input_dim: 6, output_dim: 2, mask_zero: true }] as const;
  const stepwise = sequential([3], [words, ["Dense", { units: 6 }]]);
  const mean = sequential([3], [words, ["GlobalAveragePooling1D", {}], ["Dense", { units: 6 }]]);
  const cases = [
    [stepwise, sequences([1, 2, 0], [2, 1, 3]), "steps of padding", "steps of padding"],
    [stepwise, sequences([1, 2.5, 3], [2, 1, 3]), "got 2.5", "got 2.5"],
    [mean, sequences([1, 2, 0], [2], 1), undefined, "the native engine runs it"],
  ] as const;
  for (const [model, data, native, tfjs] of cases) {
    for (const [engine, message] of [["native", native], ["tfjs", tfjs]] as const) {
      await using handler = new ClientSGDHandler({ data, engine });
      if (message === undefined) await handler.setUp(model);
      else await assertRejects(() => handler.setUp(model), Error, message);
    }
  }
});

Deno.test("an error names what neither engine runs, and that tfjs may run what one does not", async () => {
  const model = sequential([3, 2], [["MultiHeadAttention", { num_heads: 2, key_dim: 2 }]]);
  const data = new Dataset(new Float32Array(6), new Int32Array(1), [3, 2], 2);
  const layer = 'Layer "layer0": MultiHeadAttention has no kernel';
  for (
    const [engine, message] of [
      ["native", `${layer}; tfjs may run the model (engine auto, --engine auto)`],
      [
        "auto",
        `Unknown layer: MultiHeadAttention; the native engine does not run it either: ${layer}`,
      ],
    ] as const
  ) {
    await using handler = new ClientSGDHandler({ data, engine });
    await assertRejects(() => handler.setUp(model), Error, message);
  }
});

Deno.test("modelByName() refuses models without a base for tokens, and tokens of another base", () => {
  const tokens = { inputShape: [8], numClasses: 3, tokenizer: "1".repeat(64) };
  for (
    const [name, options, message] of [
      ["lr", tokens, "expected minilm on a pretrained base (option base, --base) for tokens"],
      ["minilm", tokens, "expected texts of the tokenizer be50c362"],
      ["minilm", { inputShape: [8], numClasses: 1 }, "expected 2 classes or more, got 1"],
    ] as const
  ) assertThrows(() => modelByName(name, options), RangeError, message);
});
