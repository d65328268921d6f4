import { AT_LEAST_ONE, checkInRange } from "../base/check.ts";
import { errorMessage } from "../base/errors.ts";
import { isRecord } from "../base/json.ts";
import type { Rank } from "../base/rank.ts";
import type { AnnouncedPrivacy } from "../plan/announced_privacy.ts";
import type {
  MemberSettings,
  PrivacyReport,
  PrivacyTerms,
  PrivateSelection,
} from "../strategy/privacy.ts";
import type { Strategy, StrategyState } from "../strategy/strategy.ts";
import type { Mechanism } from "./mechanism/mechanism.ts";
import type { CentralPrivacyOptions } from "./options.ts";

/** Text in place of a guarantee where the noise follows from a seed. */
const SEEDED = "nothing: the noise is seeded";

/** Options of a guarantee. */
type TermsOptions =
  & Pick<CentralPrivacyOptions, "clients" | "cohort" | "delta" | "noiseSeed">
  & { readonly mechanism: Mechanism["name"] };

/** Demands of a mechanism on the rounds, and its account. */
export class CentralTerms implements PrivacyTerms {
  /** Number of values that noise is added to, once a round has begun. */
  dimension: number | undefined;
  readonly then: Strategy;
  readonly cohort: number;
  readonly announced: AnnouncedPrivacy;
  readonly isNoiseShared: boolean = false;
  readonly members?: () => MemberSettings;
  readonly #mechanism: Mechanism;
  readonly #options: TermsOptions;
  readonly #noise: number;

  constructor(
    mechanism: Mechanism,
    options: TermsOptions & { readonly noise: number },
    then: Strategy,
  ) {
    this.#mechanism = mechanism;
    this.then = then;
    this.cohort = options.cohort;
    this.#options = options;
    const { delta, noise } = options;
    this.#noise = noise;
    const { members } = mechanism;
    if (members) this.members = () => members.call(mechanism);
    this.announced = {
      unit: "client",
      mechanism: mechanism.name,
      delta,
      clip: mechanism.clip,
      noise,
      ...(this.#isSeeded ? { guarantee: SEEDED } : { epsilon: mechanism.epsilonAtMost }),
    };
  }

  get isCohortSecret(): boolean {
    return this.#mechanism.isCohortSecret;
  }

  get releases(): number {
    return this.#mechanism.releases;
  }

  get account(): Readonly<Record<string, unknown>> {
    return { ...this.#basis, ...this.#mechanism.save() };
  }

  /** Options that the guarantee follows from. */
  get #basis(): Readonly<Record<string, number | string>> {
    const { delta } = this.#options;
    return { noise: this.#noise, delta, source: this.#source, ...this.#mechanism.basis };
  }

  addAccount(saved: unknown): void {
    const problem = `dp-${this.#options.mechanism}`;
    if (!isRecord(saved)) {
      throw new TypeError(`Cannot restore ${problem}: expected an account of privacy, got none`);
    }
    for (const [name, value] of Object.entries(this.#basis)) {
      // Older accounts have noise and delta alone.
      const isOlder = name !== "noise" && name !== "delta" && !(name in saved);
      if (saved[name] === value || isOlder) continue;
      throw new RangeError(
        `Cannot go on with ${problem}: expected the ${name} ${
          saved[name]
        } of the run, got ${value}`,
      );
    }
    try {
      this.#mechanism.restore(saved);
    } catch (cause) {
      throw new TypeError(`Cannot restore ${problem}: ${errorMessage(cause)}`, { cause });
    }
  }

  /** Adds the account to the state of the inner strategy. */
  save({ json, vectors }: StrategyState): StrategyState {
    return {
      json: { privacy: this.account, then: json ?? null },
      ...(vectors && { vectors }),
    };
  }

  /**
   * Adds a saved account to the own one, and returns the state of the inner strategy, if it had
   * one.
   *
   * @throws {TypeError} If it is no such state.
   * @throws {RangeError} If its noise or δ is another.
   */
  restore({ json, vectors }: StrategyState): StrategyState | undefined {
    const { privacy, then } = isRecord(json) ? json : {};
    this.addAccount(privacy);
    if (then === null && !vectors) return undefined;
    return { ...(then !== null && { json: then }), ...(vectors && { vectors }) };
  }

  get report(): PrivacyReport {
    const { delta } = this.#options;
    const { epsilon, epsilonContinuous, ...rest } = this.#mechanism.account();
    return {
      unit: "client",
      mechanism: this.#mechanism.name,
      delta,
      ...rest,
      ...(this.dimension !== undefined && { dimension: this.dimension }),
      source: this.#source,
      ...(this.#isSeeded
        ? { guarantee: SEEDED }
        : { epsilon: epsilon ?? Infinity, epsilonContinuous: epsilonContinuous ?? Infinity }),
      reproducible: this.#isSeeded,
    };
  }

  stopReason(numClients: number): string | undefined {
    const { clients } = this.#options;
    checkInRange(numClients, AT_LEAST_ONE, "Cannot begin a round");
    return numClients === clients ? this.#mechanism.stopReason(numClients) : undefined;
  }

  /**
   * Checks that a round may begin.
   *
   * @throws {RangeError} If the group has another size than the guarantee is for, or the budget is
   * spent.
   */
  checkRound(strategy: string, numClients: number): void {
    const { clients } = this.#options, problem = `Cannot begin a round of ${strategy}`;
    if (numClients !== clients) {
      throw new RangeError(
        `${problem}: expected the ${clients} clients that the guarantee is for, got ${numClients}`,
      );
    }
    const stop = this.#mechanism.stopReason(numClients);
    if (stop !== undefined) throw new RangeError(`${problem}: ${stop}`);
  }

  seat(rank: Rank, key: string | undefined): void {
    this.#mechanism.owners.seat(rank, key);
  }

  select(clients: PrivateSelection): Rank[] {
    const { owners } = this.#mechanism;
    return this.#mechanism.select({ ...clients, available: owners.distinct(clients.available) });
  }

  get #source(): PrivacyReport["source"] {
    return this.#isSeeded ? "seeded" : "system";
  }

  get #isSeeded(): boolean {
    return this.#options.noiseSeed !== undefined;
  }
}
