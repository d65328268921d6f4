/**
 * A bound on how far one client can move the model.
 *
 * @module
 */

import { blend, squaredDistance } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { ruleOf, sendsGradient } from "../../plan/rules/rules.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import { FedAvg } from "../averaging/fedavg.ts";
import { checked } from "../check.ts";
import type {
  ClientSettings,
  ClientUpdate,
  RoundInfo,
  Strategy,
  StrategyRound,
  StrategyState,
} from "../strategy.ts";
import { nameOf, workingVector } from "../working.ts";

/** How {@linkcode NormClipping} clips. */
export interface NormClippingOptions {
  /** The most that an update may differ from the global vector in the L2 norm, above 0. It has to be given: it depends on model and training. */
  bound: number;
  /** What takes the clipped updates. Default `new FedAvg()`. */
  mean?: Strategy;
}

/**
 * Clips each update to a distance from the global vector, then leaves it to another strategy: `w + min(1, bound / ‖w_k - w‖) (w_k - w)`.
 *
 * Sun et al. 2019, "Can You Really Backdoor Federated Learning?", section 4. A mean of clipped updates moves by no more than the bound; against many
 * attackers, or patient ones, it is no protection by itself.
 *
 * @example
 * ```ts
 * import { NormClipping } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const round = new NormClipping({ bound: 5 }).begin(new Float32Array(2));
 * round.accept({ rank: 1, parameters: new Float32Array([30, 40]), numSamples: 1 });
 * assertEquals([...round.finish()], [3, 4]);
 * ```
 */
export class NormClipping implements Strategy {
  /** `"norm-clipping"`; with another strategy than FedAvg behind it, such as `"norm-clipping of median"`. */
  readonly name: string;
  /** One, the clipped update, and those of the other strategy. */
  readonly workingVectors: number;
  /** True: every update is clipped. */
  readonly isRobust = true;
  readonly #bound: number;
  readonly #mean: Strategy;
  #clipped: ParameterVector | undefined;

  /**
   * Throws a `RangeError` for an option out of range, for a strategy that takes gradients, which have no distance from the global vector, and for SCAFFOLD and FedDyn,
   * whose clients reckon with their whole updates: with the clipped ones the server's half no longer fits theirs, and both go to another model.
   */
  constructor({ bound, mean = new FedAvg() }: NormClippingOptions) {
    this.#bound = checked("norm-clipping", "bound", bound, { above: 0 });
    const rule = mean.clientSettings?.rule;
    if (rule && ruleOf(rule).needsStrategy) {
      const unfit = sendsGradient(rule)
        ? "which takes gradients"
        : "whose clients reckon with updates that are not clipped";
      throw new RangeError(
        `Cannot make norm-clipping: expected a mean of parameters, got ${mean.name}, ${unfit}`,
      );
    }
    this.#mean = mean;
    this.name = nameOf("norm-clipping", mean);
    this.workingVectors = 1 + mean.workingVectors;
  }

  /** As the other strategy does. */
  get countsSteps(): boolean {
    return this.#mean.countsSteps ?? false;
  }

  /** As the other strategy does. */
  get needsHonestMajority(): boolean {
    return this.#mean.needsHonestMajority ?? false;
  }

  /** As many as the other strategy needs. */
  get fewestUpdates(): number {
    return this.#mean.fewestUpdates ?? 1;
  }

  /** What the clients are to do, as the other strategy has it. */
  get clientSettings(): ClientSettings {
    return this.#mean.clientSettings ?? {};
  }

  /** The other strategy's second vector. */
  get control(): ParameterVector | undefined {
    return this.#mean.control;
  }

  /** As the other strategy does. */
  checkPlan(plan: TrainSettings): void {
    this.#mean.checkPlan?.(plan);
  }

  /** As the other strategy does. */
  check(update: ClientUpdate): void {
    this.#mean.check?.(update);
  }

  /** Opens a round. */
  begin(global: ParameterVector, info?: RoundInfo): StrategyRound {
    const clipped = this.#clipped = workingVector(this.#clipped, global);
    const round = this.#mean.begin(global, info);
    return {
      accept: (update) => {
        const { parameters } = update;
        const norm = Math.sqrt(squaredDistance(parameters, global));
        if (norm <= this.#bound) return round.accept(update);
        clipped.set(global);
        blend(clipped, parameters, this.#bound / norm);
        round.accept({ ...update, parameters: clipped });
      },
      finish: () => round.finish(),
    };
  }

  /** What the other strategy keeps. */
  save(): StrategyState {
    return this.#mean.save?.() ?? {};
  }

  /** Gives the other strategy what it kept. */
  restore(state: StrategyState): void {
    this.#mean.restore?.(state);
  }
}
