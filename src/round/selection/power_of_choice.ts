/**
 * Client selection by loss.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import { checked } from "../../strategy/check.ts";
import { drawBySamples } from "./draw.ts";
import type { ClientSelection, SelectionContext } from "./selection.ts";

/** Options of a {@linkcode PowerOfChoiceSelection}. */
export interface PowerOfChoiceOptions {
  /**
   * Number d of candidates, from 1; never fewer than the cohort. Default: twice the size of the
   * cohort.
   */
  d?: number;
}

/**
 * Draws d candidates weighted by their number of samples, and takes the m with the highest last
 * known loss (power-of-choice).
 *
 * Cho, Wang and Joshi 2020, "Client Selection in Federated Learning: Convergence Analysis and
 * Power-of-Choice Selection Strategies", the variant rpow-d: the loss is the mean training loss of
 * a client's last update, so that nothing more is computed or sent. A client that was never heard
 * comes first, as if its loss were infinite; one that does not share its loss has the mean of the
 * others. With `d` = m the policy is {@linkcode SamplesSelection}. The
 * larger d, the more the cohort leans to clients that the model serves badly. Among equal losses,
 * the candidate drawn first wins. The losses are the clients' own claims.
 */
export class PowerOfChoiceSelection implements ClientSelection {
  /** `"power-of-choice"`. */
  readonly name = "power-of-choice";
  /** Number of candidates; `undefined` for twice the size of the cohort. */
  readonly d: number | undefined;

  /**
   * Makes a policy.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor({ d }: PowerOfChoiceOptions = {}) {
    this.d = d === undefined ? d : checked(this.name, "d", d, { least: 1, whole: true });
  }

  /** Selects the candidates with the highest losses. */
  select(context: SelectionContext): Rank[] {
    const { count, known } = context;
    const candidates = drawBySamples(context, Math.max(this.d ?? 2 * count, count));
    const losses = candidates.flatMap((rank) => known.get(rank)?.loss ?? []);
    const mean = losses.reduce((sum, loss) => sum + loss / losses.length, 0);
    const loss = (rank: Rank) => {
      const { loss, answered = 0 } = known.get(rank) ?? {};
      return loss ?? (answered > 0 ? mean : Infinity);
    };
    // A difference would be NaN for two infinite losses.
    const worseFirst = (a: Rank, b: Rank) => Number(loss(b) > loss(a)) - Number(loss(a) > loss(b));
    return candidates.sort(worseFirst).slice(0, count);
  }
}
