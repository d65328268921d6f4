/**
 * A bound on how far one client can move the model.
 *
 * @module
 */

import { blend, squaredDistance } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { ruleOf, sendsGradient } from "../../plan/rules/rules.ts";
import { checked } from "../check.ts";
import type { ClientUpdate, RoundInfo, StrategyRound } from "../strategy.ts";
import { contributorOf } from "../sums/contributor.ts";
import type { SumRound } from "../sums/sums.ts";
import { workingVector } from "../working.ts";
import { changedRound, WrappedStrategy, type WrappedStrategyOptions } from "../wrapped.ts";

/** Options of {@linkcode NormClipping}. */
export interface NormClippingOptions extends WrappedStrategyOptions {
  /**
   * Largest difference of an update from the global vector in the L2 norm, above 0. There is no
   * default: it depends on model and training.
   */
  bound: number;
}

/**
 * Clips each update to a distance from the global vector, then passes it on to another strategy.
 *
 * Sun et al. 2019, "Can You Really Backdoor Federated Learning?", section 4:
 * `w + min(1, bound / ‖w_k - w‖) (w_k - w)`. A mean of clipped updates moves by no more than the
 * bound; against many or patient attackers it is no protection by itself.
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
export class NormClipping extends WrappedStrategy {
  readonly #bound: number;
  #clipped: ParameterVector | undefined;

  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If an option is out of range; if the mean takes gradients, which have no
   * distance from the global vector; or if it is SCAFFOLD or FedDyn, whose clients reckon with
   * their whole updates.
   */
  constructor({ bound, ...options }: NormClippingOptions) {
    super("norm-clipping", options, 1);
    this.#bound = checked("norm-clipping", "bound", bound, { above: 0 });
    const { clientSettings, name } = this.mean;
    const rule = clientSettings?.rule;
    if (rule && ruleOf(rule).needsStrategy) {
      throw new RangeError(
        `Cannot make norm-clipping: expected a mean of parameters, got ${name}, ${
          sendsGradient(rule)
            ? "which takes gradients"
            : "whose clients reckon with updates that are not clipped"
        }`,
      );
    }
  }

  /** `true`: the strategy clips every update. */
  override get isRobust(): boolean {
    return true;
  }

  /** Opens a round. */
  override begin(global: ParameterVector, info?: RoundInfo): StrategyRound {
    const clip = this.#clipTo(global);
    const round = super.begin(global, info);
    return changedRound(round, {
      check: (update) => round.check?.(clip(update)),
      accept: (update) => round.accept(clip(update)),
    });
  }

  /** Strategy of the registry whose updates count in the same way. */
  override get contributor(): string | undefined {
    return contributorOf(this.mean) === "fedavg" ? `norm-clipping:bound=${this.#bound}` : undefined;
  }

  /** Opens a round of the mean by the contributions of clipped updates. */
  override sumRound(global: ParameterVector, info?: RoundInfo): SumRound {
    const clip = this.#clipTo(global);
    const { contribution, finish } = super.sumRound(global, info);
    return { contribution: (update) => contribution(clip(update)), finish };
  }

  #clipTo(global: ParameterVector): (update: ClientUpdate) => ClientUpdate {
    const clipped = this.#clipped = workingVector(this.#clipped, global);
    return (update) => {
      const { parameters } = update;
      const norm = Math.sqrt(squaredDistance(parameters, global));
      if (norm <= this.#bound) return update;
      clipped.set(global);
      blend(clipped, parameters, this.#bound / norm);
      return { ...update, parameters: clipped };
    };
  }
}
