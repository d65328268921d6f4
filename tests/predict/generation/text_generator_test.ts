import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { initialParameters, loadDataset, Random } from "../../../mod.ts";
import { textSource } from "../../../src/data/text/text_source.ts";
import { drawSymbol } from "../../../src/predict/generation/draw_symbol.ts";
import { TextGenerator } from "../../../src/predict/mod.ts";
import { modelByName, modelOptionsOf } from "../../../src/train/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const LOGITS = Float32Array.of(9, 9, 1, 3, NaN, 2, 3);

Deno.test("drawSymbol() draws as often as the softmax of the most probable logits says", () => {
  const random = new Random(1, "generation");
  const draw = (temperature: number, topK: number) =>
    drawSymbol(LOGITS, { temperature, topK, least: 2 }, random);
  assertEquals([draw(0, 9), draw(1, 1)], [3, 3]);
  const counts = new Array<number>(7).fill(0);
  for (let i = 0; i < 20_000; i++) {
    const symbol = draw(0.5, 3);
    counts[symbol] = (counts[symbol] ?? 0) + 1;
  }
  // Temperature 0.5 doubles the logits 3, 3 and 2.
  const sum = 2 * Math.exp(6) + Math.exp(4);
  const shares = [0, 0, 0, Math.exp(6) / sum, 0, Math.exp(4) / sum, Math.exp(6) / sum];
  counts.forEach((count, symbol) => {
    assert(Math.abs(count / 20_000 - (shares[symbol] ?? 0)) < 0.015, `${symbol}: ${count}`);
  });
  const none = Float32Array.of(1, NaN);
  assertEquals(drawSymbol(none, { temperature: 1, topK: 4, least: 1 }, random), -1);
});

async function trained(form: Parameters<typeof textSource>[0]["form"]) {
  const authors = [{ name: "ann", lines: ["to be", "or not", "so é"] }];
  const { train } = await textSource({ name: "notes", authors, form: form ?? {} })
    .arrange(undefined);
  const model = modelByName("lstm:layers=1,units=8", modelOptionsOf(train));
  const { manifest, parameters } = await initialParameters(model, 5);
  const { schema } = train;
  return { model, manifest, parameters, metadata: {}, ...(schema && { schema }) };
}

Deno.test("TextGenerator gives the same text for a seed, and goes on from a place", async () => {
  const generator = new TextGenerator(await trained({ mode: "windows", steps: 6 }));
  const text = (seed: number) =>
    [...generator.sample({ seed, length: 40, temperature: 1 })].join("");
  generator.feed("to ");
  const { place } = generator;
  const first = text(1);
  assertEquals(first.length, 40);
  generator.place = place;
  assert(text(2) !== first);
  generator.place = place;
  assertEquals(text(1), first);
  // Of a text longer than a window, its last symbols are read.
  generator.feed("or not to be so");
  const { logits } = generator.place;
  generator.place = { ...place, state: new Float32Array(place.state.length) };
  generator.feed("be so");
  assert(`${generator.place.logits}` !== `${logits}`);
  generator.place = { ...place, state: new Float32Array(place.state.length) };
  for (const character of " be so") generator.feed(character);
  assertEquals(generator.place.logits, logits);
});

Deno.test("TextGenerator begins each line anew, and ends at a character", async () => {
  const generator = new TextGenerator(await trained({ mode: "lines" }));
  const { place } = generator;
  generator.feed("to be\n");
  assertEquals(generator.place, place);
  const line = [...generator.sample({ stop: "\n", length: 500, seed: 3 })].join("");
  assert(!line.includes("\n"), line);
  assertEquals(generator.place, place);
});

Deno.test("TextGenerator gives whole characters of bytes", async () => {
  const generator = new TextGenerator(await trained({ symbols: "bytes" }));
  const pieces = [...generator.sample({ length: 300, temperature: 2, topK: 258, seed: 1 })];
  assert(pieces.length <= 300 && pieces.every((piece) => piece.isWellFormed()));
});

Deno.test("TextGenerator refuses other models, characters and options in one line", async () => {
  const model = await trained({});
  const generator = new TextGenerator(model);
  const { place } = generator;
  assertThrows(() => generator.feed("to X"), RangeError, 'got "X"');
  assertEquals(generator.place, place);
  for (
    const [options, message] of [
      [{ temperature: -1 }, "a temperature from 0, got -1"],
      [{ topK: 0 }, "a whole number of symbols to draw from, from 1, got 0"],
      [{ length: 1.5 }, "a whole number of symbols from 1, got 1.5"],
      [{ stop: "to" }, "expected one symbol to stop at, got 2"],
      [{ stop: "X" }, 'got "X"'],
    ] as const
  ) {
    assertThrows(() => generator.sample(options).next(), RangeError, message);
  }
  assertThrows(
    () => generator.place = { ...place, logits: new Float32Array(2) },
    RangeError,
    "logits, got 2",
  );
  const { schema: _, ...nameless } = model;
  assertThrows(() => new TextGenerator(nameless), RangeError, "got one without a schema");
  const { schema } = (await loadDataset("digits")).train;
  assertThrows(
    () => new TextGenerator({ ...nameless, ...(schema && { schema }) }),
    RangeError,
    "expected a model of texts, got one of the input image",
  );
  const parameters = new Float32Array(model.parameters.length).fill(NaN);
  const broken = new TextGenerator({ ...model, parameters });
  assertThrows(() => broken.sample().next(), RangeError, "the model's outputs are not numbers");
});
