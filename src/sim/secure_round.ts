import type { Rank } from "../base/rank.ts";
import { difference } from "../params/operations.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { VectorPart } from "../params/vector_part.ts";
import type { MemberShare } from "../privacy/distributed/member_share.ts";
import { memberShareOf } from "../privacy/distributed/share_of.ts";
import type { SecureTerms } from "../round/secure/terms.ts";
import { ClearSum } from "../secure/clear_sum.ts";
import { SecureError } from "../secure/errors.ts";
import { type LaneFigures, LANES, quantizeUpdate, type RingVector } from "../secure/quantize.ts";
import type { Ring } from "../secure/ring.ts";
import type { SecureStages } from "../secure/server/options.ts";
import { MaskedGroup } from "./masked_group.ts";

/** Round of secure aggregation in a simulation. */
export interface SecureRoundOptions {
  readonly terms: SecureTerms;
  readonly round: number;
  /** Attempt at the round, from 1. */
  readonly attempt: number;
  readonly cohort: readonly Rank[];
  /** Global vector that the clients train from. */
  readonly parameters: ParameterVector;
  /** Part of it that travels; `undefined` for all. */
  readonly part: VectorPart | undefined;
  /** Seed of the run. */
  readonly seed: number;
  /** Set if clients send gradients. */
  readonly isGradient: boolean;
  /** Set if masks are made, as by real clients. */
  readonly isMasked: boolean;
}

/** Sum of a round, as a server would have it. */
export interface SimulatedSum {
  readonly ring: Ring;
  readonly sums: RingVector;
  readonly ranks: readonly Rank[];
  readonly stages: SecureStages;
}

/**
 * Secure aggregation of a simulated round: the clients quantize their updates, and nothing but the
 * sum goes to the server's handler. Without masks the sum is the same, bit for bit.
 */
export class SecureRound {
  readonly #options: SecureRoundOptions;
  readonly #base: ParameterVector;
  readonly #update: ParameterVector;
  readonly #clear: ClearSum;
  /** Form of the updates in a private run. */
  readonly #share: MemberShare | undefined;
  readonly #group: MaskedGroup | undefined;
  readonly #ranks: Rank[] = [];

  private constructor(options: SecureRoundOptions, base: ParameterVector, group?: MaskedGroup) {
    this.#options = options;
    this.#base = base;
    this.#update = new Float32Array(base.length);
    this.#clear = new ClearSum(base.length + LANES);
    this.#share = memberShareOf(options.terms.settings);
    this.#group = group;
  }

  /**
   * Begins a round. Where masks are made, all members of the cohort exchange keys and shares.
   *
   * @throws {SecureError} "too-few-members", if the cohort is smaller than the terms allow.
   */
  static async begin(options: SecureRoundOptions): Promise<SecureRound> {
    const { terms, cohort, parameters, part, isMasked } = options;
    if (cohort.length < terms.minMembers) {
      throw new SecureError(
        "too-few-members",
        `Cannot begin the session: expected ${terms.minMembers} members or more, got ${cohort.length}`,
      );
    }
    const base = part === undefined ? parameters.slice() : part.take(parameters);
    const group = isMasked ? await MaskedGroup.create(options, base) : undefined;
    return new SecureRound(options, base, group);
  }

  /**
   * Adds the update of a client.
   *
   * @param trained Its parameters, which may be overwritten after the call.
   * @throws {SecureError} "non-finite".
   */
  add(rank: Rank, trained: ParameterVector, { loss, ...figures }: LaneFigures): void {
    const { terms: { ring }, part, seed, round } = this.#options;
    const to = part === undefined ? trained : part.take(trained);
    if (this.#options.isGradient) this.#update.set(to);
    else difference(to, this.#base, this.#update);
    const told = { ...figures, loss: Number.isFinite(loss) ? loss : ring.maxLoss };
    const quantized = this.#share
      ? this.#share.quantize(this.#update)
      : quantizeUpdate(ring, this.#update, told, { seed, round, rank });
    if (this.#group === undefined) this.#clear.add(quantized);
    else this.#group.mask(rank, quantized);
    this.#ranks.push(rank);
  }

  /**
   * Ends the round.
   *
   * @throws {SecureError} "too-few-survivors", if there are fewer updates than the threshold of the
   * shares.
   */
  async finish(): Promise<SimulatedSum> {
    if (this.#group !== undefined) return await this.#group.finish();
    const { terms, cohort } = this.#options, ranks = this.#ranks;
    const graph = terms.graph(cohort.length);
    if (ranks.length < graph.threshold) {
      throw new SecureError(
        "too-few-survivors",
        `Cannot end the session: expected ${graph.threshold} updates or more, got ${ranks.length}`,
      );
    }
    const [members, masked] = [cohort.length, ranks.length];
    const stages = { ...graph, members, shared: members, masked, revealed: masked };
    return { ring: terms.ring, sums: this.#clear.finish(), ranks, stages };
  }
}
