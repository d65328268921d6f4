import { assert, assertEquals, assertRejects } from "../deps.ts";
import { planOf } from "./plan.ts";
import type { HandlerTests } from "./tests.ts";

/** Tests the gradient of a handler that gives one. */
export function testGradient({ test, make }: HandlerTests): void {
  test("gives the gradient of all its data, and leaves its parameters", async () => {
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
}
