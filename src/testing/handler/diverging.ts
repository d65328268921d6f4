import { CannotTrainError } from "../../plan/cannot_train.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "../deps.ts";
import { planOf } from "./plan.ts";
import type { HandlerTests } from "./tests.ts";

/** Tests training that diverges or begins at parameters without a finite loss. */
export function testDiverging({ test, make }: HandlerTests): void {
  test("says that training diverged, and can go on from good parameters, with momentum that is kept too", async () => {
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

  test("says that it cannot train on parameters without a finite loss, and can go on from good ones", async () => {
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
}
