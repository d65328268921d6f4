import { checkInRange, SHARE } from "../../base/check.ts";
import type { Rank } from "../../base/rank.ts";
import { checkCompatible } from "../../plan/compatibility/conflicts.ts";
import type { PrivacyTerms } from "../../strategy/privacy.ts";
import type { Strategy } from "../../strategy/strategy.ts";
import { type SecureAggregationOptions, secureSettings } from "../secure/options.ts";
import { selectionContext } from "./context.ts";
import { inOrder, membership } from "./ranks.ts";
import type { ClientSelection, SelectionContext } from "./selection.ts";
import { UniformSelection } from "./uniform.ts";

const PROBLEM = "Cannot make a server";

/** Options of a {@linkcode CohortSelector}. */
export interface CohortSelectorOptions {
  /** Share of the clients that a round wants updates of. */
  readonly fraction?: number;
  /** Share by which a cohort exceeds the number of wanted updates. */
  readonly overSelection?: number;
  /** Policy that selects the cohorts. */
  readonly selection?: ClientSelection;
  /** Secure aggregation. */
  readonly secureAggregation?: SecureAggregationOptions;
}

/** Selects cohorts of the right size by a policy. */
export class CohortSelector {
  readonly fraction: number;
  readonly overSelection: number;
  readonly selection: ClientSelection;
  readonly #privacy: PrivacyTerms | undefined;

  /**
   * Makes a selector for a strategy.
   *
   * @throws {RangeError} If an option is out of range, or the strategy does not allow it.
   */
  constructor(options: CohortSelectorOptions, strategy: Strategy) {
    const { fraction = 1, overSelection = 0, selection = new UniformSelection() } = options;
    checkInRange(fraction, SHARE, PROBLEM, "a fraction above 0 and at most 1");
    checkInRange(overSelection, { least: 0 }, PROBLEM, "an over-selection of at least 0");
    const { secureAggregation: secure } = options;
    const plan = secure ? { secure: secureSettings(secure) } : {};
    checkCompatible({ strategy, overSelection, selection, plan }, PROBLEM);
    this.#privacy = strategy.privacy;
    this.fraction = fraction;
    this.overSelection = overSelection;
    this.selection = selection;
  }

  /**
   * Returns the number of updates that a round of `numClients` clients wants: that of a private
   * strategy, whose guarantee is for it, or the share of the clients.
   */
  updatesWanted(numClients: number): number {
    if (this.#privacy) return this.#privacy.cohort;
    return Math.max(1, Math.round(this.fraction * numClients));
  }

  /**
   * Selects a cohort: as many ranks as updates are wanted, and the share `overSelection` more.
   *
   * @returns The selected ranks, in order.
   * @throws {RangeError} If the policy selects no rank, too many, one twice, or one that is not
   * available.
   */
  select(context: Omit<SelectionContext, "count">): Rank[] {
    if (this.#privacy) return this.#selectPrivately(this.#privacy, context);
    const { round, numClients } = context;
    const updates = this.updatesWanted(numClients);
    // A product of floating-point numbers may be slightly too large.
    const wanted = updates + Math.ceil(updates * this.overSelection - 1e-9);
    const available = inOrder(context.available);
    const count = Math.min(available.length, wanted);
    const chosen = this.selection.select(selectionContext({ ...context, available, count }));
    const cohort = [...chosen].sort((a, b) => a - b);
    const isAvailable = membership(available);
    const isValid = cohort.every((rank, i) => isAvailable(rank) && rank !== cohort[i - 1]);
    if (cohort.length === 0 || cohort.length > count || !isValid) {
      throw new RangeError(
        `Cannot begin round ${round}: expected ${this.selection.name} to choose 1 to ${count} different ranks that are there, got ${
          cohort.join(", ") || "none"
        }`,
      );
    }
    return cohort;
  }

  /** Has a private strategy select the clients, which may be none where chance decides. */
  #selectPrivately(
    privacy: PrivacyTerms,
    { round, numClients, available, known }: Omit<SelectionContext, "count">,
  ): Rank[] {
    const cohort = privacy.select({
      available: inOrder(available),
      count: this.updatesWanted(numClients),
      lastRound: (rank) => known.get(rank)?.lastRound ?? 0,
    }).sort((a, b) => a - b);
    if (cohort.length > 0 || privacy.isCohortSecret) return cohort;
    throw new RangeError(
      `Cannot begin round ${round}: expected clients that may take part again, got none among the ${available.length} that are there`,
    );
  }
}
