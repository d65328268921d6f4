import type { TrainResult } from "../plan/results.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import type { LocalLearner } from "../train/rules/learner.ts";

/** Aborts a training whose round is over on the server's side. */
class RoundOverError extends Error {}

/** One round's training, which goes on whether the connection holds or not. */
export class Work {
  /** What it does, and for which round. */
  readonly plan: TrainPlan;
  /** Resolves when the training is done; rejects with the handler's error, and never resolves once it was given up. */
  readonly trained: Promise<void>;
  readonly #ended: Promise<unknown>;
  readonly #over = new AbortController();
  #isDone = false;
  #result: TrainResult | undefined;
  #isTold = false;

  constructor(
    learner: LocalLearner,
    plan: TrainPlan,
    signal: AbortSignal | undefined,
  ) {
    this.plan = plan;
    const { signal: over } = this.#over;
    const training = learner.train(plan, signal ? AbortSignal.any([signal, over]) : over);
    this.#ended = training.then((result) => this.#result = result, () => {})
      .then(() => this.#isDone = true);
    this.trained = training.then(() => {}, (error) => {
      if (error instanceof RoundOverError) return new Promise<void>(() => {});
      throw error;
    });
    this.trained.catch(() => {});
  }

  /** The round it is for. */
  get round(): number {
    return this.plan.round;
  }

  /** What came of it, once it is done. */
  get result(): TrainResult | undefined {
    return this.#result;
  }

  /** Whether the outcome was seen: it counts once. */
  get isTold(): boolean {
    return this.#isTold;
  }

  /** The outcome was seen. */
  tell(): void {
    this.#isTold = true;
  }

  /** Gives the training up, and waits until the handler is free again. */
  async stop(): Promise<void> {
    // An error costs as much as the whole exchange of a small round.
    if (!this.#isDone) this.#over.abort(new RoundOverError("The round is over"));
    await this.#ended;
  }
}
