import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { DEFAULT_PLAN, type TrainPlan, type TrainResult } from "../../mod.ts";
import { TrainingTask } from "../../src/client/training_task.ts";
import { LocalLearner } from "../../src/train/rules/learner.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const PLAN: TrainPlan = { ...DEFAULT_PLAN, round: 3, rank: 1, seed: 0 };
const RESULT: TrainResult = { numSamples: 1, steps: 2, loss: 0.5, metrics: {} };

/** Handler whose training is given. */
class TrainsBy extends FakeHandler {
  readonly #train: (signal: AbortSignal | undefined) => Promise<TrainResult>;

  constructor(train: (signal: AbortSignal | undefined) => Promise<TrainResult>) {
    super(vectorManifest(2));
    this.#train = train;
  }

  override train(_plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    return this.#train(signal);
  }
}

function begin(train: (signal: AbortSignal | undefined) => Promise<TrainResult>): TrainingTask {
  return new TrainingTask(new LocalLearner(new TrainsBy(train)), PLAN, undefined);
}

Deno.test("TrainingTask has the handler's result, which stop() keeps", async () => {
  const task = begin(() => Promise.resolve(RESULT));
  assertEquals([task.round, task.result, task.isReported], [3, undefined, false]);
  assertEquals(await task.finished, "done");
  task.markReported();
  await task.stop();
  assertEquals([task.result, task.isReported], [RESULT, true]);
});

Deno.test("TrainingTask that is stopped is superseded, and frees the handler first", async () => {
  let isFree = false;
  const task = begin((signal) => {
    const { promise, reject } = Promise.withResolvers<never>();
    signal?.addEventListener("abort", () => {
      queueMicrotask(() => {
        isFree = true;
        reject(signal.reason);
      });
    });
    return promise;
  });
  await task.stop();
  assert(isFree);
  assertEquals(await task.finished, "superseded");
  assertEquals(task.result, undefined);
});

Deno.test("TrainingTask fails with the handler's own error", async () => {
  const task = begin(() => Promise.reject(new RangeError("out of samples")));
  await task.stop();
  await assertRejects(() => task.finished, RangeError, "out of samples");
});
