import { assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { languageModel, modelByName, modelOptionsOf } from "../../src/train/mod.ts";
import { loadDataset } from "../../mod.ts";
import { textSource } from "../../src/data/text/text_source.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("modelByName() describes language models of texts, and refuses other data", async () => {
  const { train } = await textSource({
    name: "notes",
    authors: [{ name: "ann", lines: ["ab", "b"] }],
  }).arrange(undefined);
  const options = modelOptionsOf(train);
  const sizes = { symbols: 5, steps: 3 };
  assertEquals(modelByName("lstm", options), languageModel(sizes));
  assertEquals(
    modelByName("lstm:layers=1,units=4,embedding=2,embeddingBound=0.05,peepholes=true", options),
    languageModel({
      ...{ ...sizes, layers: 1, units: 4, embedding: 2, embeddingBound: 0.05, peepholes: true },
    }),
  );
  assertEquals(
    modelByName("gru:units=3", options),
    languageModel({ ...sizes, cell: "gru", units: 3 }),
  );
  const digits = modelOptionsOf((await loadDataset("digits")).train);
  for (
    const [name, given, message] of [
      ["lstm:layers=0", options, "a number of layers from 1, got 0"],
      ["lstm:size=2", options, "one of the options layers, units,"],
      ["gru:peepholes=true", options, "got peepholes"],
      ["lstm:peepholes=yes", options, "expected peepholes=true or peepholes=false, got yes"],
      ["lstm", digits, "got samples of shape [8,8,1] and one target for a sample"],
      ["lstm", { ...options, init: "zeros" as const }, "initial weights other than zeros"],
      ["lstm", { ...options, loss: "huber" as const }, "expected the loss softmaxCrossEntropy"],
      ["lstm", { ...options, symbols: 9 }, "got 9 symbols and 5 classes"],
      [
        "mlp",
        options,
        "expected lstm or gru for sequences with a class at each of 3 steps, got mlp",
      ],
      ["lsmt", options, "expected one of lr, mlp, 2nn, cnn, lstm, gru, minilm, got"],
    ] as const
  ) {
    assertThrows(() => modelByName(name, given), Error, message);
  }
});
