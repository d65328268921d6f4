import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import { ClientSGDHandler, digits, mlp, NativeSGDHandler } from "../../mod.ts";
import { DPSGD, parseClientPrivacy } from "../../src/privacy/mod.ts";
import { CannotTrainError } from "../../src/plan/cannot_train.ts";

const PLAN = {
  ...{ round: 1, seed: 1, rank: 1, epochs: 1, batchSize: 100, learningRate: 0.5 },
  ...{ momentum: 0, weightDecay: 0, keepMomentum: false },
};
const OPTIONS = { noise: 1, delta: 1e-5, clip: 1 };
const PLANNED = { steps: 10, batchSize: 50, records: 1000, dimension: 4000 };

Deno.test("release() divides by the expected batch and adds noise of the clip's size", async () => {
  const noise = 2, clip = 0.25, batchSize = 50;
  const { records } = new DPSGD({ noise, delta: 1e-5, clip });
  const round = await records.begin({ ...PLANNED, batchSize });
  const sum = new Float32Array(20_000).fill(3);
  round.release(sum);
  const values = Float64Array.from(sum);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = Math.sqrt(
    values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length,
  );
  const want = noise * clip / batchSize;
  // Five standard errors of both figures.
  assertAlmostEquals(mean, 3 / batchSize, 5 * want / Math.sqrt(values.length));
  assertAlmostEquals(deviation / want, 1, 5 / Math.sqrt(2 * values.length));
});

Deno.test("draw() takes each record with the same probability, by itself", async () => {
  const { records } = new DPSGD(OPTIONS);
  const round = await records.begin({ ...PLANNED, batchSize: 300, records: 1000 });
  const counts = new Float64Array(1000), sizes: number[] = [];
  const rate = 0.3, draws = 400;
  for (let i = 0; i < draws; i++) {
    const drawn = round.draw();
    sizes.push(drawn.length);
    for (const row of drawn) counts[row] = (counts[row] ?? 0) + 1;
  }
  assert(new Set(sizes).size > 10);
  const square = counts.reduce((sum, x) => sum + (x - draws * rate) ** 2, 0) /
    (draws * rate * (1 - rate));
  // Chi-squared with 1000 degrees of freedom: 5 standard deviations.
  assertAlmostEquals(square, 1000, 5 * Math.sqrt(2000));
  const all = await records.begin({ ...PLANNED, batchSize: 2000 });
  assertEquals(all.draw().length, 1000);
});

Deno.test("the clip of a sum leaves room for the rounding of each value to the noise's grid", async () => {
  const at = async (dimension: number) => {
    const { clip } = await new DPSGD(OPTIONS).records.begin({ ...PLANNED, dimension });
    return clip;
  };
  for (const dimension of [1, 199_210, 1_663_370]) {
    const clip = await at(dimension);
    assert(clip > 0.99 * OPTIONS.clip && clip < OPTIONS.clip);
    assert(clip + Math.sqrt(dimension) * OPTIONS.noise * OPTIONS.clip / 2 ** 21 < OPTIONS.clip);
  }
  await assertRejects(() => at(2 ** 42), RangeError, "half of the clip");
});

Deno.test("DP-SGD on the digits reaches 90% at an epsilon of 8", async () => {
  const privacy = new DPSGD({ epsilon: 8, delta: 1e-4, clip: 1, rounds: 3 });
  await using handler = new NativeSGDHandler({ data: await digits(), privacy });
  await handler.setUp(mlp({ inputShape: [8, 8, 1], numClasses: 10 }));
  for (let round = 1; round <= 3; round++) {
    await handler.train({ ...PLAN, round, epochs: 5, batchSize: 200, learningRate: 1 });
  }
  const { accuracy = 0 } = await handler.evaluate();
  assert(accuracy > 0.9, `${accuracy}`);
  assertAlmostEquals(privacy.report.epsilon ?? NaN, 8, 1e-3);
});

Deno.test("trainings of one seed differ, unless the noise is seeded too", async () => {
  const data = await digits();
  const run = async (noiseSeed?: number) => {
    const privacy = new DPSGD({ ...OPTIONS, ...(noiseSeed !== undefined && { noiseSeed }) });
    await using handler = new NativeSGDHandler({ data, privacy });
    await handler.setUp(mlp({ inputShape: [8, 8, 1], numClasses: 10 }));
    const { steps } = await handler.train(PLAN);
    assertEquals(steps, 18);
    return handler.parameters.slice();
  };
  assertEquals(await run(1), await run(1));
  const [a, b] = [await run(), await run()];
  assert(a.some((value, i) => value !== b[i]));
});

Deno.test("momentum, Adam, decay and the proximal term work on the noisy gradient", async () => {
  const data = await digits();
  for (
    const changes of [
      { momentum: 0.9, nesterov: true, learningRate: 0.1 },
      { optimizer: "adam", learningRate: 0.01 },
      { weightDecay: 0.01, proximal: 0.1 },
    ] as const
  ) {
    await using handler = new NativeSGDHandler({ data, privacy: new DPSGD(OPTIONS) });
    await handler.setUp(mlp({ inputShape: [8, 8, 1], numClasses: 10 }));
    const { loss } = await handler.train({ ...PLAN, epochs: 2, ...changes });
    assert(loss < 2.2, `${JSON.stringify(changes)}: ${loss}`);
  }
});

Deno.test("a delta above 1 / records is warned of", async () => {
  const privacy = new DPSGD({ ...OPTIONS, delta: 0.01 });
  await privacy.records.begin(PLANNED);
  assert(privacy.report.warning?.includes("above 1 / 1000 records"));
});

Deno.test("models and engines that cannot clip are refused when the model is built", async () => {
  const data = await digits();
  const model = mlp({ inputShape: [8, 8, 1], numClasses: 10 });
  await using tfjs = new ClientSGDHandler({ data, engine: "tfjs", privacy: new DPSGD(OPTIONS) });
  await assertRejects(() => tfjs.setUp(model), Error, "native engine");
  const normalized = {
    ...model,
    topology: {
      class_name: "Sequential",
      config: {
        name: "model",
        layers: [
          { class_name: "Flatten", config: { batch_input_shape: [null, 8, 8, 1] } },
          { class_name: "BatchNormalization", config: {} },
          { class_name: "Dense", config: { units: 10 } },
        ],
      },
    },
  };
  await using native = new NativeSGDHandler({ data, privacy: new DPSGD(OPTIONS) });
  await assertRejects(() => native.setUp(normalized), Error, "such as BatchNorm");
});

Deno.test("a gradient that is not finite ends the training", async () => {
  await using handler = new NativeSGDHandler({ data: await digits(), privacy: new DPSGD(OPTIONS) });
  await handler.setUp(mlp({ inputShape: [8, 8, 1], numClasses: 10 }));
  handler.parameters = handler.parameters.map((value) => value * 1e25);
  await assertRejects(() => handler.train(PLAN), CannotTrainError, "is not finite in step");
});

Deno.test("options that guarantee nothing are refused", () => {
  for (
    const [options, reason] of [
      [{ delta: 1e-5, clip: 1 }, "expected epsilon or noise, got neither"],
      [{ ...OPTIONS, noise: 0 }, "expected a noise multiplier from 0.05"],
      [{ ...OPTIONS, noise: Infinity }, "expected a noise multiplier"],
      [{ ...OPTIONS, clip: 0 }, "expected a finite clip above 0, got 0"],
      [{ ...OPTIONS, clip: Infinity }, "expected a finite clip above 0, got Infinity"],
      [{ ...OPTIONS, delta: 0 }, "expected a delta above 0 and below 1"],
      [{ ...OPTIONS, delta: 1 }, "expected a delta above 0 and below 1"],
      [{ ...OPTIONS, epsilon: 0 }, "expected an epsilon above 0"],
      [{ ...OPTIONS, rounds: 0 }, "expected a whole number of rounds from 1"],
      [{ ...OPTIONS, noiseSeed: -1 }, "expected an integer from 0"],
    ] as const
  ) assertThrows(() => new DPSGD(options), RangeError, reason);
});

Deno.test("parseClientPrivacy() names what is missing or wrong", () => {
  for (
    const [text, reason] of [
      ["record:epsilon=8,clip=1", "expected delta beside epsilon"],
      ["record:epsilon=8,delta=1e-5", "expected a clip"],
      ["record:delta=1e-5,clip=1", "expected epsilon or noise"],
      ["record:epsilon=8,delta=1e-5,clip=0", "expected a finite clip above 0"],
      ["records:epsilon=8,delta=1e-5,clip=1", "expected one of record, local"],
      ["local:epsilon=8,delta=1e-5,clip=1,bands=2", "expected one of the options epsilon"],
      ["local:epsilon=x,delta=1e-5,clip=1", "expected epsilon to be a number"],
    ] as const
  ) assertThrows(() => parseClientPrivacy(text), RangeError, reason);
  const { kind, rounds } = parseClientPrivacy("local:epsilon=8,delta=1e-5,clip=1,rounds=3");
  assertEquals([kind, rounds], ["local", 3]);
});
