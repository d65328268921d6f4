import type { PrivacyReport } from "../strategy/privacy.ts";

/** Account of a private run after its rounds, computed once a round: it takes some time. */
export class SpentPrivacy {
  readonly #read: () => PrivacyReport | undefined;
  #last: { readonly rounds: number; readonly report: PrivacyReport | undefined } | undefined;

  /**
   * Creates an account without rounds.
   *
   * @param read Returns the account; `undefined` for a run that is not private.
   */
  constructor(read: () => PrivacyReport | undefined) {
    this.#read = read;
  }

  /** Returns what was spent after a number of rounds. */
  after(rounds: number): PrivacyReport | undefined {
    if (this.#last?.rounds !== rounds) this.#last = { rounds, report: this.#read() };
    return this.#last.report;
  }
}
