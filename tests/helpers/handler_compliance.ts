import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import { CannotTrainError } from "../../src/train/cannot_train.ts";
import type { TrainPlan } from "../../src/plan/train_plan.ts";
import type { ClientBackendHandler } from "../../src/train/handler.ts";

/** A plan whose every figure can be replaced. */
export function planOf(changes: Partial<TrainPlan> = {}): TrainPlan {
  return {
    round: 1,
    epochs: 1,
    batchSize: 10,
    learningRate: 0.05,
    momentum: 0,
    weightDecay: 0,
    keepMomentum: false,
    seed: 1,
    rank: 1,
    ...changes,
  };
}

/**
 * What every handler keeps to. `make` gives one that is set up, with a model whose loss plain SGD lowers, on a number of samples
 * from 20 that 7 does not divide.
 */
export function testHandlerCompliance(
  name: string,
  make: () => Promise<ClientBackendHandler>,
): void {
  Deno.test(`${name} gives a vector as long as its manifest and copies in what is set`, async () => {
    await using handler = await make();
    assertEquals(handler.parameters.length, handler.manifest.length);

    const values = Float32Array.from(handler.parameters, (_, i) => (i % 17) / 16);
    const expected = values.slice();
    handler.parameters = values;
    values.fill(9);
    assertEquals(handler.parameters, expected);
  });

  Deno.test(`${name} refuses a vector of the wrong length or with a value that is not finite`, async () => {
    await using handler = await make();
    const before = handler.parameters.slice();
    assertThrows(() => handler.parameters = before.subarray(1), RangeError, `${before.length}`);
    for (const value of [NaN, Infinity, -Infinity]) {
      const wrong = before.map((x) => x + 1);
      wrong[wrong.length - 1] = value;
      assertThrows(() => handler.parameters = wrong, RangeError);
    }
    assertEquals(handler.parameters, before);
  });

  Deno.test(`${name} lowers the loss by training`, async () => {
    await using handler = await make();
    const before = await handler.evaluate();
    const result = await handler.train(planOf({ epochs: 3 }));
    const after = await handler.evaluate();
    assert(after.loss < before.loss, `${after.loss} after ${before.loss}`);
    assert(Number.isFinite(result.loss));
  });

  Deno.test(`${name} counts samples and steps, with a smaller last batch and with one batch of all`, async () => {
    await using handler = await make();
    const { numSamples } = handler;
    assert(numSamples % 7 !== 0);
    const partial = await handler.train(planOf({ epochs: 2, batchSize: 7 }));
    assertEquals(partial.numSamples, numSamples);
    assertEquals(partial.steps, 2 * Math.ceil(numSamples / 7));
    assertEquals((await handler.train(planOf({ epochs: 2, batchSize: 0 }))).steps, 2);
  });

  Deno.test(`${name} gives the same bytes for the same seed, round and rank, and others for others`, async () => {
    await using handler = await make();
    const start = handler.parameters.slice();
    const outcome = async (changes: Partial<TrainPlan>): Promise<Float32Array> => {
      handler.parameters = start;
      await handler.train(planOf({ epochs: 2, momentum: 0.5, ...changes }));
      return handler.parameters.slice();
    };
    const first = await outcome({});
    assertEquals(await outcome({}), first);
    for (const changes of [{ seed: 2 }, { round: 2 }, { rank: 2 }]) {
      const other = await outcome(changes);
      assert(other.some((value, i) => value !== first[i]), JSON.stringify(changes));
    }
  });

  Deno.test(`${name} forgets momentum between rounds unless the plan keeps it`, async () => {
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

  Deno.test(`${name} forgets Adam's moments between rounds unless the plan keeps them`, async () => {
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

  Deno.test(`${name} does without a term of 0 what it does without the term`, async () => {
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

  Deno.test(`${name} is held near the round's first parameters by a proximal term`, async () => {
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

  Deno.test(`${name} steps along the correction`, async () => {
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

  Deno.test(`${name} gives the gradient of all its data, and leaves its parameters`, async () => {
    await using handler = await make();
    const { length, tensors } = handler.manifest;
    const before = handler.parameters.slice();
    const { numSamples, loss, metrics, gradient } = await handler.gradient(planOf());
    const first = gradient.slice();
    assertEquals(numSamples, handler.numSamples);
    assertEquals(first.length, length);
    assertEquals(handler.parameters, before);
    assert(Number.isFinite(loss));
    const accuracy = metrics.accuracy ?? 0;
    assert(accuracy >= 0 && accuracy <= 1);
    assertEquals((await handler.gradient(planOf())).gradient, first);
    for (const { trainable, offset, length } of tensors) {
      const part = first.subarray(offset, offset + length);
      assertEquals(part.some((value) => value !== 0), trainable);
    }
    const { loss: judged } = await handler.evaluate();
    handler.parameters = before.map((value, i) => value - 0.02 * (first[i] ?? 0));
    assert((await handler.evaluate()).loss < judged);
    const reason = new Error("the round is over");
    await assertRejects(
      () => handler.gradient(planOf(), AbortSignal.abort(reason)),
      Error,
      reason.message,
    );
    await handler.train(planOf());
  });

  Deno.test(`${name} stops training with the signal's reason`, async () => {
    await using handler = await make();
    const reason = new Error("the round is over");
    await assertRejects(
      () => handler.train(planOf(), AbortSignal.abort(reason)),
      Error,
      reason.message,
    );
    // The timer fires only if training lets the event loop run.
    const controller = new AbortController();
    const training = handler.train(planOf({ epochs: 1_000_000 }), controller.signal);
    const timer = setTimeout(() => controller.abort(reason), 0);
    await assertRejects(() => training, Error, reason.message);
    clearTimeout(timer);
    await handler.train(planOf());
  });

  Deno.test(`${name} says that training diverged, and can go on from good parameters, with momentum that is kept too`, async () => {
    await using handler = await make();
    const start = handler.parameters.slice();
    const kept = { keepMomentum: true, momentum: 0.9 };
    for (const settings of [{}, kept, { keepMomentum: true, optimizer: "adam" }] as const) {
      await assertRejects(
        () => handler.train(planOf({ learningRate: 1e38, epochs: 3, ...settings })),
        CannotTrainError,
        "Training diverged",
      );
      handler.parameters = start;
      assert(Number.isFinite((await handler.train(planOf(settings))).loss));
      // What was kept of the steps that diverged would be in these.
      await using other = await make();
      other.parameters = start;
      await other.train(planOf(settings));
      assertEquals(handler.parameters, other.parameters);
      handler.parameters = start;
    }
  });

  Deno.test(`${name} says that it cannot train on parameters without a finite loss, and can go on from good ones`, async () => {
    await using handler = await make();
    const start = handler.parameters.slice();
    const works = [
      // Batch normalization brings such values back into range before the loss.
      [
        () => handler.train(planOf()),
        /^Cannot train on these parameters: their loss|^Training div/,
      ],
      [() => handler.gradient(planOf()), /^Cannot give a gradient: the loss of these parameters/],
    ] as const;
    for (const [work, message] of works) {
      handler.parameters = start.map((_, i) => i % 2 ? 3e38 : -3e38);
      assertMatch((await assertRejects(work, CannotTrainError)).message, message);
      handler.parameters = start;
      assert(Number.isFinite((await handler.train(planOf())).loss));
    }
  });

  Deno.test(`${name} refuses a plan whose numbers are out of range`, async () => {
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

  Deno.test(`${name} evaluates without changing its parameters`, async () => {
    await using handler = await make();
    await handler.train(planOf({ momentum: 0.9 }));
    const before = handler.parameters.slice();
    const first = await handler.evaluate();
    assertEquals(await handler.evaluate(), first);
    assertEquals(handler.parameters, before);
    assert(first.numSamples > 0);
    const accuracy = first.accuracy ?? 0;
    assert(accuracy >= 0 && accuracy <= 1);
    await assertRejects(
      () => handler.evaluate(AbortSignal.abort(new Error("enough"))),
      Error,
      "enough",
    );
  });
}
