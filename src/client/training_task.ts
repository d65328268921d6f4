import { runtime } from "../base/runtime/runtime.ts";
import type { EndStep } from "../base/tracer.ts";
import type { TrainResult } from "../plan/results.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import type { LocalLearner } from "../train/rules/learner.ts";

/** Reason for aborting a training whose round is over on the server. */
class RoundOverError extends Error {}

/** End of a training: done, or superseded by other work. */
export type TrainingStatus = "done" | "superseded";

/** Training of one round. It continues when the connection is lost. */
export class TrainingTask {
  /** Settings of the training, with its round. */
  readonly plan: TrainPlan;
  /** Resolves when the training ends; rejects with the handler's error. */
  readonly finished: Promise<TrainingStatus>;
  readonly #began = runtime.clock.now();
  readonly #over = new AbortController();
  #hasEnded = false;
  #result: TrainResult | undefined;
  #isReported = false;

  constructor(learner: LocalLearner, plan: TrainPlan, signal: AbortSignal | undefined) {
    this.plan = plan;
    const { signal: over } = this.#over;
    this.finished = this.#train(learner, signal ? AbortSignal.any([signal, over]) : over);
    this.finished.catch(() => {});
  }

  /** The round that it trains for. */
  get round(): number {
    return this.plan.round;
  }

  /** Result of the training, once it is done. */
  get result(): TrainResult | undefined {
    return this.#result;
  }

  /** Wall time since the training began, in seconds. */
  get seconds(): number {
    return (runtime.clock.now() - this.#began) / 1000;
  }

  /** Set once the result has been reported. A result is reported once. */
  get isReported(): boolean {
    return this.#isReported;
  }

  /** Marks the result as reported. */
  markReported(): void {
    this.#isReported = true;
  }

  /** Aborts the training, and waits until the handler is free again. */
  async stop(): Promise<void> {
    // Making an error costs as much as the whole exchange of a small round.
    if (this.#hasEnded) return;
    this.#over.abort(new RoundOverError("The round is over"));
    await this.finished.catch(() => {});
  }

  async #train(learner: LocalLearner, signal: AbortSignal): Promise<TrainingStatus> {
    try {
      this.#result = await learner.train(this.plan, signal);
      return "done";
    } catch (error) {
      if (error instanceof RoundOverError) return "superseded";
      throw error;
    } finally {
      this.#hasEnded = true;
    }
  }
}

/** Ends an observed step with a training, whose round may be over before it. */
export function endWith({ finished }: TrainingTask, end: EndStep): void {
  finished.then((status) => end(status === "done" ? undefined : new RoundOverError(status)), end);
}
