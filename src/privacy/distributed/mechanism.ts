import { isCount } from "../../base/check.ts";
import type { Rank } from "../../base/rank.ts";
import type { PrivateSelection } from "../../strategy/privacy.ts";
import { gaussianEpsilon, zcdpEpsilon } from "../accounting/gaussian.ts";
import { Owners } from "../ledger/owners.ts";
import { Participations } from "../ledger/participations.ts";
import type { Grid, Mechanism, RoundSum } from "../mechanism/mechanism.ts";
import type { NoiseShareSettings } from "./noise_share.ts";

/** Options of {@linkcode DistributedMechanism}. */
export interface DistributedMechanismOptions {
  /** Settings that the clients of a sum agree on. */
  readonly share: NoiseShareSettings;
  readonly delta: number;
  /** Number of updates that a round wants. */
  readonly cohort: number;
  /** Most rounds that a client takes part in. */
  readonly most: number;
}

/**
 * Account of sums whose clients have added the noise themselves. Clients take part in turn, so that
 * each is in as few sums as there can be.
 */
export class DistributedMechanism implements Mechanism {
  readonly name = "distributed";
  readonly isCohortSecret = false;
  readonly owners = new Owners();
  readonly grid: Grid;
  readonly #options: DistributedMechanismOptions;
  readonly #participations: Participations;
  #releases = 0;

  constructor(options: DistributedMechanismOptions) {
    this.#options = options;
    const { share: { clip }, most } = options;
    this.grid = { clip, unit: 0 };
    this.#participations = new Participations({ most, separation: 1 }, this.owners);
  }

  get releases(): number {
    return this.#releases;
  }

  get epsilonAtMost(): number {
    return this.#epsilonAfter(this.#options.most).epsilon;
  }

  refusal(rank: Rank): string | undefined {
    return this.#participations.refusal(rank, this.#releases + 1);
  }

  stopReason(numClients: number): string | undefined {
    const { cohort, most } = this.#options;
    const left = this.#participations.countLeft(numClients);
    return left >= cohort
      ? undefined
      : `the privacy budget is spent: ${left} of ${numClients} clients have taken part fewer than ${most} times, and a round wants ${cohort}`;
  }

  select({ available, count, lastRound }: PrivateSelection): Rank[] {
    return available.filter((rank) => this.refusal(rank) === undefined)
      .sort((a, b) => lastRound(a) - lastRound(b) || a - b)
      .slice(0, count);
  }

  release({ sum, ranks }: Pick<RoundSum, "sum" | "ranks">): Float64Array {
    const release = ++this.#releases;
    for (const rank of ranks) this.#participations.add(rank, release);
    return sum;
  }

  account() {
    const { share: { noise, clip, fewest } } = this.#options, { most } = this.#participations;
    return {
      relation: "zero-out" as const,
      noise,
      clip,
      releases: this.#releases,
      ...this.#epsilonAfter(most),
      participationsMost: most,
      clientsLeast: fewest,
    };
  }

  save(): Readonly<Record<string, unknown>> {
    return { releases: this.#releases, participations: this.#participations.save() };
  }

  restore({ releases, participations }: Readonly<Record<string, unknown>>): void {
    if (!isCount(releases)) throw new TypeError("expected a number of releases");
    this.#participations.restore(participations);
    this.#releases = Math.max(this.#releases, releases);
  }

  /**
   * Computes ε where no client has taken part more often than so many times. Each client's noise is
   * at least 16 units wide, so their sum is as good as one discrete Gaussian: the excess of
   * {@linkcode sumExcess} is below 1e-1000.
   */
  #epsilonAfter(most: number): { epsilon: number; epsilonContinuous: number } {
    if (most === 0) return { epsilon: 0, epsilonContinuous: 0 };
    const { share: { noise }, delta } = this.#options;
    const one = noise / Math.sqrt(most);
    return {
      epsilon: zcdpEpsilon(1 / (2 * one * one), delta),
      epsilonContinuous: gaussianEpsilon(one, delta),
    };
  }
}
