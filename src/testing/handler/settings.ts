import type { TrainPlan } from "../../plan/train_plan.ts";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "../deps.ts";
import { planOf } from "./plan.ts";
import type { HandlerTests } from "./tests.ts";

/** Tests that training follows the settings of the plan. */
export function testSettings({ test, make }: HandlerTests): void {
  test("lowers the loss by training", async () => {
    await using handler = await make();
    const before = await handler.evaluate();
    const result = await handler.train(planOf({ epochs: 3 }));
    const after = await handler.evaluate();
    assert(after.loss < before.loss, `${after.loss} after ${before.loss}`);
    assert(Number.isFinite(result.loss));
  });

  test("counts samples and steps, with a smaller last batch and with one batch of all", async () => {
    await using handler = await make();
    const { numSamples } = handler;
    assert(numSamples % 7 !== 0);
    const partial = await handler.train(planOf({ epochs: 2, batchSize: 7 }));
    assertEquals(partial.numSamples, numSamples);
    assertEquals(partial.steps, 2 * Math.ceil(numSamples / 7));
    assertEquals((await handler.train(planOf({ epochs: 2, batchSize: 0 }))).steps, 2);
  });

  test("forgets momentum between rounds unless the plan keeps it", async () => {
    await using handler = await make();
    const start = handler.parameters.slice();
    const second = async (keepMomentum: boolean): Promise<Float32Array> => {
      handler.parameters = start;
      await handler.train(planOf({ momentum: 0.9 }));
      handler.parameters = start;
      await handler.train(planOf({ momentum: 0.9, round: 2, keepMomentum }));
      return handler.parameters.slice();
    };
    handler.parameters = start;
    await handler.train(planOf({ momentum: 0.9, round: 2 }));
    const fresh = handler.parameters.slice();
    assertEquals(await second(false), fresh);
    const kept = await second(true);
    assert(kept.some((value, i) => value !== fresh[i]));
  });

  test("forgets Adam's moments between rounds unless the plan keeps them", async () => {
    await using handler = await make();
    const start = handler.parameters.slice();
    const adam = { optimizer: "adam", learningRate: 0.01 } as const;
    const second = async (keepMomentum: boolean): Promise<Float32Array> => {
      handler.parameters = start;
      await handler.train(planOf(adam));
      handler.parameters = start;
      await handler.train(planOf({ ...adam, round: 2, keepMomentum }));
      return handler.parameters.slice();
    };
    handler.parameters = start;
    await handler.train(planOf({ ...adam, round: 2 }));
    const fresh = handler.parameters.slice();
    assertEquals(await second(false), fresh);
    const kept = await second(true);
    assert(kept.some((value, i) => value !== fresh[i]));
  });

  test("does without a term of 0 what it does without the term", async () => {
    await using handler = await make();
    const start = handler.parameters.slice();
    for (const momentum of [0, 0.5]) {
      const outcome = async (changes: Partial<TrainPlan>): Promise<Float32Array> => {
        handler.parameters = start;
        await handler.train(planOf({ momentum, ...changes }));
        return handler.parameters.slice();
      };
      const expected = await outcome({});
      assertEquals(await outcome({ proximal: 0 }), expected);
      assertEquals(await outcome({ nesterov: false }), expected);
      assertEquals(await outcome({ optimizer: "sgd" }), expected);
    }
  });

  test("is held near the round's first parameters by a proximal term", async () => {
    await using handler = await make();
    const start = handler.parameters.slice();
    const distance = async (proximal: number): Promise<number> => {
      handler.parameters = start;
      await handler.train(planOf({ epochs: 5, proximal }));
      const { tensors } = handler.manifest;
      const moved = handler.parameters.map((value, i) => value - (start[i] ?? 0));
      return tensors.reduce(
        (sum, { trainable, offset, length }) =>
          trainable ? sum + Math.hypot(...moved.subarray(offset, offset + length)) : sum,
        0,
      );
    };
    const free = await distance(0), held = await distance(10);
    assert(held < free / 2 && held > 0, `${held}, ${free} without`);
  });

  test("steps along the correction", async () => {
    await using handler = await make();
    const start = handler.parameters.slice();
    const plan = planOf({ batchSize: 0, learningRate: 0.5 });
    await handler.train(plan);
    const without = handler.parameters.slice();
    handler.parameters = start;
    await handler.train({ ...plan, correction: start.map((_, i) => i % 3) });
    for (const { trainable, offset, length } of handler.manifest.tensors) {
      for (let i = offset; i < offset + length; i++) {
        const expected = (without[i] ?? 0) - (trainable ? 0.5 * (i % 3) : 0);
        assertAlmostEquals(handler.parameters[i] ?? NaN, expected, 1e-5);
      }
    }
  });

  test("refuses a plan whose numbers are out of range", async () => {
    await using handler = await make();
    const wrong: Partial<TrainPlan>[] = [
      { epochs: 0 },
      { epochs: 1.5 },
      { batchSize: -1 },
      { learningRate: NaN },
      { momentum: 1 },
      { weightDecay: -1 },
      { optimizer: "lbfgs" as "adam" },
      { optimizer: "adam", momentum: 0.9 },
      { nesterov: true },
      { proximal: -1 },
      { proximal: Infinity },
      { correction: new Float32Array(handler.manifest.length + 1) },
      { correction: new Float32Array(handler.manifest.length).fill(NaN) },
    ];
    for (const changes of wrong) {
      await assertRejects(() => handler.train(planOf(changes)), RangeError, "Cannot train");
      await assertRejects(() => handler.gradient(planOf(changes)), RangeError, "Cannot train");
    }
  });
}
