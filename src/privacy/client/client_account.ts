import type { ClientPrivacyReport } from "../../train/client_privacy.ts";
import type { GaussianReleases } from "../accounting/rdp.ts";
import { leastArgument } from "../accounting/search.ts";
import { ClientLedger, type LedgerContent, PrivacyBudgetError } from "../ledger/client_ledger.ts";
import { type NoiseSource, seededNoise, systemNoise } from "../noise/random_words.ts";
import {
  checkClientNoise,
  checkClientPrivacy,
  type ClientPrivacyOptions,
  LEAST_NOISE,
} from "./options.ts";

/** Share of the budget past which what is left is too little to train with. */
const MOST_SPENT = 0.99;

/** Orders at which the noise for an ε is searched: the bound is at most a little above the best. */
const FEW_ORDERS = [
  ...Array.from({ length: 31 }, (_, i) => i + 2),
  ...[40, 48, 64, 96, 128, 192, 256],
];

/** Noise of clients with an empty ledger, by what it follows from. */
const firstNoises = new Map<string, number>();
const MOST_KNOWN = 1000;

/** Trainings that a ledger counts, in words. */
const COUNTED = "each training, also for an attempt at a round that failed";

/** Part of a {@linkcode ClientPrivacyReport} that an account knows. */
type AccountReport = Omit<ClientPrivacyReport, "unit" | "mechanism" | "relation" | "rate">;

/** Account of one client: its ledger, its budget and the noise that follows from them. */
export class ClientAccount {
  /** Source of the noise. */
  readonly source: NoiseSource;
  readonly #options: ClientPrivacyOptions;
  readonly #ledger: ClientLedger;
  #expected: number | undefined;
  #noise: number | undefined;
  #warning: string | undefined;

  /**
   * Makes an account.
   *
   * @throws {RangeError} If an option is out of range or missing.
   */
  constructor(unit: LedgerContent["unit"], options: ClientPrivacyOptions) {
    checkClientPrivacy(options);
    const { store, noise, noiseSeed } = options;
    this.#options = options;
    this.#ledger = new ClientLedger(unit, store);
    this.#noise = noise;
    this.source = noiseSeed === undefined ? systemNoise() : seededNoise(noiseSeed);
  }

  /** The guarantee so far. */
  get report(): AccountReport {
    const { delta, clip, epsilon: maxEpsilon } = this.#options, ledger = this.#ledger;
    const isSeeded = this.source.kind === "seeded" || ledger.isSeeded;
    return {
      ...(this.#noise !== undefined && { noise: this.#noise }),
      clip,
      delta,
      releases: ledger.count,
      counted: COUNTED,
      source: isSeeded ? "seeded" : "system",
      ...(isSeeded
        ? { guarantee: "nothing: the noise is seeded" }
        : { epsilon: ledger.epsilon(delta) }),
      ...(maxEpsilon !== undefined && { maxEpsilon }),
      ...(this.#warning !== undefined && { warning: this.#warning }),
    };
  }

  /** ε of continuous noise of the same size. */
  get epsilonContinuous(): number {
    return this.#ledger.epsilonContinuous(this.#options.delta);
  }

  /** Warns in the report if δ is above 1 / the number of those that it protects. */
  warnAbove(number: number, of: string): void {
    const { delta } = this.#options;
    if (delta <= 1 / number) return;
    this.#warning =
      `delta ${delta} is above 1 / ${number} ${of}: publishing the data of one of them would be within it`;
  }

  /** Tells in how many rounds the client may take part, from the next one on. */
  expect(rounds: number): void {
    this.#expected = rounds;
  }

  /**
   * Returns the noise multiplier: the one given, or the least with which the budget lasts for the
   * expected rounds. It stays the same for the life of the account.
   *
   * @param releasesAt Releases of one round with a noise.
   * @throws {PrivacyBudgetError} If the next round is not within the budget.
   * @throws {RangeError} If the number of rounds is not known.
   */
  async noiseFor(releasesAt: (noise: number) => GaussianReleases): Promise<number> {
    const { epsilon: maxEpsilon, delta, rounds = this.#expected } = this.#options;
    const ledger = this.#ledger;
    await ledger.open();
    if (this.#noise === undefined) {
      if (rounds === undefined) {
        throw new RangeError(
          "Cannot choose the noise for epsilon: expected the number of rounds that the client takes part in, as the option rounds, got none",
        );
      }
      const epsilon = maxEpsilon ?? Infinity;
      this.#checkRest(epsilon);
      const after = (noise: number) => {
        const { count, ...kind } = releasesAt(noise);
        return ledger.epsilonAfter([{ ...kind, count: count * rounds }], delta, FEW_ORDERS);
      };
      const search = () => leastArgument(after, epsilon, { least: LEAST_NOISE, error: 1e-6 });
      // Clients of a simulation begin with the same ledger, and many with as much data.
      const { rate, count } = releasesAt(1);
      const key = [epsilon, delta, rounds, rate, count].join();
      const noise = ledger.count > 0 ? search() : firstNoises.get(key) ?? search();
      if (ledger.count === 0 && firstNoises.size < MOST_KNOWN) firstNoises.set(key, noise);
      this.#noise = checkClientNoise(noise);
    }
    ledger.checkBudget(releasesAt(this.#noise), { maxEpsilon, delta });
    return this.#noise;
  }

  /** Enters releases in the ledger. */
  async enter(releases: GaussianReleases): Promise<void> {
    await this.#ledger.enter(releases, this.source.kind === "seeded");
  }

  /** Throws if earlier runs have spent the budget: then no noise is enough. */
  #checkRest(maxEpsilon: number): void {
    const { delta } = this.#options;
    const spent = this.#ledger.epsilonAfter([], delta);
    if (spent < maxEpsilon * MOST_SPENT) return;
    throw new PrivacyBudgetError(
      `The privacy budget of this client is spent: its ledger has epsilon ${
        spent.toPrecision(6)
      }, and the budget is ${maxEpsilon}`,
    );
  }
}

/** Returns a report with ε of continuous noise, unless the noise is seeded. */
export function withContinuous(
  report: ClientPrivacyReport,
  account: Pick<ClientAccount, "epsilonContinuous">,
): ClientPrivacyReport {
  return report.epsilon === undefined
    ? report
    : { ...report, epsilonContinuous: account.epsilonContinuous };
}
