import { isCount } from "../../base/check.ts";
import type { Rank } from "../../base/rank.ts";
import type { PrivateSelection } from "../../strategy/privacy.ts";
import { gaussianEpsilon, zcdpEpsilon } from "../accounting/gaussian.ts";
import { Owners } from "../ledger/owners.ts";
import { Participations } from "../ledger/participations.ts";
import { bandedNoise } from "./banded.ts";
import type { Mechanism } from "./mechanism.ts";

/** Options of an {@linkcode InTurnMechanism}. */
export interface InTurnOptions {
  /** Noise multiplier z of each release. */
  readonly noise: number;
  /** Largest L2 norm of an update. */
  readonly clip: number;
  /** δ of the guarantee. */
  readonly delta: number;
  /** Number of releases that noise is correlated over: a client is in two that far apart. */
  readonly bands: number;
  /** Number of updates that a round wants. */
  readonly cohort: number;
  /** Largest number of releases that a client takes part in. */
  readonly most: number;
}

/**
 * Account of releases in which clients take part in turn, so that each is in as few of them as
 * there can be. The guarantee follows from the largest number of participations of a client, and
 * needs no secret but the noise.
 */
export abstract class InTurnMechanism implements Mechanism {
  abstract readonly name: Mechanism["name"];
  readonly isCohortSecret = false;
  readonly owners = new Owners();
  readonly #options: InTurnOptions;
  readonly #participations: Participations;
  #releases = 0;

  constructor(options: InTurnOptions) {
    const { most, bands } = this.#options = options;
    this.#participations = new Participations({ most, separation: bands }, this.owners);
  }

  get basis(): Readonly<Record<string, number>> {
    return { bands: this.#options.bands };
  }

  get releases(): number {
    return this.#releases;
  }

  get clip(): number {
    return this.#options.clip;
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

  /** Enters a release and its clients in the account. */
  enter(ranks: readonly Rank[]): void {
    const release = ++this.#releases;
    for (const rank of ranks) this.#participations.add(rank, release);
  }

  account(): ReturnType<Mechanism["account"]> {
    const { noise, clip } = this.#options, { most } = this.#participations;
    return {
      relation: "zero-out",
      noise,
      clip,
      releases: this.#releases,
      ...this.#epsilonAfter(most),
      participationsMost: most,
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

  /** Computes ε where no client has taken part more often than so many times. */
  #epsilonAfter(most: number): { epsilon: number; epsilonContinuous: number } {
    if (most === 0) return { epsilon: 0, epsilonContinuous: 0 };
    const { noise, bands, delta } = this.#options;
    const one = bandedNoise(noise, bands, { most, separation: bands });
    return {
      epsilon: zcdpEpsilon(1 / (2 * one * one), delta),
      epsilonContinuous: gaussianEpsilon(one, delta),
    };
  }
}
