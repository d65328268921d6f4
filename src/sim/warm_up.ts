import { runtime } from "../base/runtime/runtime.ts";
import { ByteFeatures } from "../data/byte_features.ts";
import { datasetOf } from "../data/dataset.ts";
import { ClientSGDHandler } from "../engine/client_handler.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import { modelByName } from "../train/models/models.ts";

/** Rows of the data, and of a client. */
const ROWS = 512, CLIENT_ROWS = 60;
/** Trainings and evaluations: as many as it takes until V8 has compiled the kernels. */
const TRAININGS = 20, EVALUATIONS = 12;
/** Shape and classes of the data, and distance of the pixels that are not black. */
const SHAPE = [28, 28, 1], CLASSES = 10, DISTANCE = 5;

const PLAN: TrainPlan = {
  ...{ round: 1, rank: 1, seed: 1, epochs: 1, batchSize: 10, learningRate: 0.01 },
  ...{ momentum: 0, weightDecay: 0, keepMomentum: false },
};

/**
 * Trains and evaluates a logistic regression on images made here, and forgets it: V8 compiles the
 * code of small clients, and the kernels for all threads of the program.
 *
 * @param signal Ends it, within some milliseconds.
 */
export async function warmUp(signal: AbortSignal): Promise<void> {
  const bytes = Uint8Array.from(
    { length: ROWS * SHAPE.reduce((product, size) => product * size) },
    (_, i) => i % DISTANCE === 0 ? i : 0,
  );
  const targets = Int32Array.from({ length: ROWS }, (_, row) => row % CLASSES);
  const data = datasetOf(new ByteFeatures(bytes, 1 / 255), {
    ...{ targets, shape: SHAPE, numClasses: CLASSES, task: "classification" },
  });
  await using handler = new ClientSGDHandler({ data, engine: "native" });
  await handler.setUp(modelByName("lr", { inputShape: SHAPE, numClasses: CLASSES }));
  const rows = Uint32Array.from({ length: CLIENT_ROWS }, (_, row) => row);
  for (let i = 0; i < TRAININGS + EVALUATIONS; i++) {
    // A turn of the event loop, in which the signal may come.
    if (i % 4 === 0) await new Promise<void>((resolve) => runtime.timers.setTimeout(resolve));
    if (signal.aborted) return;
    if (i < TRAININGS) {
      handler.useData(data, rows);
      await handler.train(PLAN);
    } else await handler.evaluateOn(data, { confusion: true, metrics: "sums" });
  }
}
