import type { TrainPlan } from "../../plan/train_plan.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../deps.ts";
import { planOf } from "./plan.ts";
import type { HandlerTests } from "./tests.ts";

/** Tests the contract of every handler, whatever it learns by. */
export function testContract({ test, make }: HandlerTests): void {
  test("gives a vector as long as its manifest and copies in what is set", async () => {
    await using handler = await make();
    assertEquals(handler.parameters.length, handler.manifest.length);

    const values = Float32Array.from(handler.parameters, (_, i) => (i % 17) / 16);
    const expected = values.slice();
    handler.parameters = values;
    values.fill(9);
    assertEquals(handler.parameters, expected);
  });

  test("refuses a vector of the wrong length or with a value that is not finite", async () => {
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

  test("gives the same bytes for the same seed, round and rank, and others for others", async () => {
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

  test("stops training with the signal's reason", async () => {
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

  test("evaluates without changing its parameters", async () => {
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
