import { assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { initialParameters, mlp } from "../../mod.ts";
import { UnsupportedModelError } from "../../src/engine/mod.ts";
import { createInference } from "../../src/engine/inference.ts";
import { ModelStepper } from "../../src/engine/stepper.ts";
import { languageModel } from "../../src/train/mod.ts";
import { sequential } from "../helpers/layer_models.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const SYMBOLS = [1, 4, 2, 8, 5, 7, 3, 3];
const SIZES = { symbols: 9, steps: SYMBOLS.length, layers: 2, units: 6 };

Deno.test("ModelStepper gives the outputs of whole sequences, a step at a time", async () => {
  const masked = sequential([SYMBOLS.length], [
    ["Embedding", { input_dim: 9, output_dim: 5, mask_zero: true }],
    ["SimpleRNN", { units: 8, return_sequences: true }],
    ["LayerNormalization"],
    ["Dense", { units: 9 }],
  ]);
  for (
    const model of [
      languageModel(SIZES),
      languageModel({ ...SIZES, peepholes: true }),
      languageModel({ ...SIZES, cell: "gru" }),
      masked,
    ]
  ) {
    const trained = await initialParameters(model, 3);
    const inference = await createInference(model, trained);
    const want = inference.run(Float32Array.from(SYMBOLS), [SYMBOLS.length]);
    const stepper = new ModelStepper(model, trained);
    assertEquals(stepper.steps, SYMBOLS.length);
    const run = (symbols: readonly number[]) => symbols.flatMap((one) => [...stepper.step(one)]);
    assertEquals(Float32Array.from(run(SYMBOLS)), want);
    stepper.reset();
    run(SYMBOLS.slice(0, 3));
    const { state } = stepper;
    run([8, 8]);
    // The state of another time is that time's.
    stepper.state = state;
    assertEquals(Float32Array.from(run(SYMBOLS.slice(3))), want.subarray(3 * 9));
  }
});

Deno.test("ModelStepper refuses layers that need steps to come, symbols and states of others", async () => {
  const model = languageModel(SIZES);
  const trained = await initialParameters(model, 3);
  const stepper = new ModelStepper(model, trained);
  for (const symbol of [-1, 9, 0.5, NaN]) {
    assertThrows(() => stepper.step(symbol), RangeError, `a symbol from 0 to 8, got ${symbol}`);
  }
  assertThrows(() => stepper.state = new Float32Array(3), RangeError, "expected 24 values, got 3");
  const other = await initialParameters(languageModel({ ...SIZES, units: 4 }), 1);
  assertThrows(() => new ModelStepper(model, other), RangeError, "Cannot use the weights");
  for (const config of [{ go_backwards: true, return_sequences: true }, {}]) {
    const refused = sequential([5], [
      ["Embedding", { input_dim: 9, output_dim: 2 }],
      ["SimpleRNN", { units: 3, ...config }],
      ["Dense", { units: 9 }],
    ]);
    const own = await initialParameters(refused, 1);
    assertThrows(
      () => new ModelStepper(refused, own),
      UnsupportedModelError,
      "expected layers that need no steps to come",
    );
  }
  const flat = mlp({ inputShape: [4], numClasses: 2 });
  const values = await initialParameters(flat, 1);
  assertThrows(
    () => new ModelStepper(flat, values),
    RangeError,
    "expected sequences of symbols [steps] and an Embedding, got samples of shape [4]",
  );
});
