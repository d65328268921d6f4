import { CannotTrainError } from "../plan/cannot_train.ts";
import type { TrainResult } from "../plan/results.ts";
import { checkPlan, type TrainPlan } from "../plan/train_plan.ts";
import type { RecordPrivacy } from "./client_privacy.ts";
import { trainPrivately } from "./private_training.ts";
import type { Trainer } from "./trainer.ts";
import { trainEpochs } from "./training.ts";

/** Training of a handler, of which there is one at a time. */
export class ExclusiveTraining {
  #isRunning = false;
  /** True if the state of the optimizer may not be finite. */
  #hasDiverged = false;

  /** True while a training is under way. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /**
   * Checks the plan, and does work that excludes any other training.
   *
   * @throws {RangeError} If a number of the plan is out of range.
   * @throws {Error} If another training is under way, or no weight is trainable.
   */
  async alone<T>(trainer: Trainer, plan: TrainPlan, work: () => Promise<T>): Promise<T> {
    const { length, tensors } = trainer.manifest;
    checkPlan(plan, length);
    if (this.#isRunning) throw new Error("Cannot train: the handler is training already");
    if (!tensors.some(({ trainable }) => trainable)) {
      throw new Error("Cannot train the model: none of its weights is trainable");
    }
    this.#isRunning = true;
    try {
      return await work();
    } finally {
      this.#isRunning = false;
    }
  }

  /**
   * Trains by the plan; momentum starts afresh after a divergence.
   *
   * @param length Number of samples.
   * @param records Privacy of the records, where the client gives it.
   * @param beforeEach Called before each step.
   * @throws {CannotTrainError} If training diverges.
   */
  async train(
    trainer: Trainer,
    plan: TrainPlan,
    { length, records }: {
      readonly length: number;
      readonly records: RecordPrivacy | undefined;
    },
    beforeEach: () => Promise<void> | undefined,
  ): Promise<TrainResult> {
    const batchSize = plan.batchSize === 0 ? length : Math.min(plan.batchSize, length);
    const clips = records !== undefined, sizes = { length, batchSize };
    const planned = this.#hasDiverged ? { ...plan, keepMomentum: false } : plan;
    trainer.begin(planned, batchSize, { clips });
    this.#hasDiverged = false;
    try {
      return clips
        ? await trainPrivately(trainer, plan, records, sizes, beforeEach)
        : await trainEpochs(trainer, plan, sizes, beforeEach);
    } catch (error) {
      this.#hasDiverged = error instanceof CannotTrainError;
      throw error;
    }
  }
}
