/** A worker of the pool: takes jobs from the board until there are no more. */

import { errorMessage } from "../base/errors.ts";
import { Dataset } from "../data/dataset.ts";
import { trustFinite } from "../data/finite.ts";
import { ClientSGDHandler } from "../engine/client_handler.ts";
import { useKernelBuild } from "../params/kernels.ts";
import { CannotTrainError } from "../plan/cannot_train.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import { LocalLearner } from "../train/rules/learner.ts";
import { defineWorker } from "../worker/define_worker.ts";
import { Board, Failure, type Figures, type Job } from "./board.ts";
import type { ClientWorkerArgs, SharedData, SharedParts } from "./worker_args.ts";

/** How long a worker waits for a job before it listens whether it should end. */
const WAIT_MILLIS = 200;

function datasetOf({ features, labels, shape, numClasses, isFinite }: SharedData): Dataset {
  const data = new Dataset(new Float32Array(features), new Int32Array(labels), shape, numClasses);
  return isFinite ? trustFinite(data) : data;
}

/** Gives a client's rows by its rank. */
function partsReader({ rows, starts }: SharedParts): (rank: number) => Uint32Array {
  const all = new Uint32Array(rows), bounds = new Uint32Array(starts);
  return (rank) => all.subarray(bounds[rank - 1], bounds[rank]);
}

defineWorker(async (args: ClientWorkerArgs, { signal }) => {
  useKernelBuild(args.build);
  const board = new Board(args.board);
  const data = datasetOf(args.train), test = args.test && datasetOf(args.test);
  const rowsOf = partsReader(args.parts);
  const testRowsOf = args.testParts ? partsReader(args.testParts) : () => undefined;
  await using handler = new ClientSGDHandler({
    data,
    rows: rowsOf(1),
    engine: args.engine,
    backend: args.backend,
  });
  await handler.setUp(args.model);
  const learner = new LocalLearner(handler);

  /** Puts the client of that rank in the handler's place. */
  function become(rank: number, slot: number): TrainPlan {
    const settings = board.settings as Omit<TrainPlan, "rank">;
    handler.useData(data, rowsOf(rank), testRowsOf(rank));
    learner.own = board.hasState(slot) ? board.state(slot).slice() : undefined;
    learner.load(board.global, settings.rule, board.control.length > 0 ? board.control : undefined);
    return { ...settings, rank };
  }

  async function work(slot: number, job: Job): Promise<Partial<Figures>> {
    if (job.kind === "test") {
      if (!test) throw new Error("Cannot evaluate: there are no test data");
      handler.parameters = board.global;
      const { from, to } = job, { counts } = board;
      const options = { from, to, confusion: counts.length > 0 };
      const { confusion = [], ...figures } = await handler.evaluateOn(test, options, signal);
      confusion.forEach((row, label) =>
        row.forEach((count, answer) => {
          if (count > 0) Atomics.add(counts, label * (test.numClasses + 1) + answer, count);
        })
      );
      return figures;
    }
    const plan = become(job.rank, slot);
    if (job.kind === "evaluate") return await learner.evaluate(signal);
    const { numSamples, steps, loss, metrics } = await learner.train(plan, signal);
    board.vector(slot).set(learner.update);
    // Whether it counts is for the program to say, which keeps it or does not.
    learner.settle();
    const { own } = learner;
    board.setHasState(slot, own !== undefined);
    if (own && board.keepsState) board.state(slot).set(own);
    return { ...metrics, numSamples, steps, loss };
  }

  for (let number = board.takeNumber();; number = board.takeNumber()) {
    let slot: number | undefined;
    while ((slot = board.slotOf(number, WAIT_MILLIS)) === undefined) {
      if (board.hasStopped) return;
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
    }
    try {
      board.finish(slot, await work(slot, board.job(slot)));
    } catch (error) {
      signal.throwIfAborted();
      board.fail(slot, new Failure(errorMessage(error), error instanceof CannotTrainError));
    }
  }
});
