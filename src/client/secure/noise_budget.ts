import type { SharedNoise } from "../../plan/secure_settings.ts";
import { zcdpEpsilon } from "../../privacy/accounting/gaussian.ts";
import { SecureError } from "../../secure/errors.ts";
import type { ClientTopologyOptions } from "../options.ts";
import { DEFAULT_MAX_DELTA } from "../required_privacy.ts";

/** Slack for rounding errors where a run has exactly the budget. */
const SLACK = 1e-7;

/**
 * Budget of a client that adds noise to its masked updates, counted by the client itself: the
 * server's word on the number of its rounds is not needed. Each masked update counts, also that of
 * an attempt that fails, because the client cannot see which sums the server has made.
 */
export class NoiseBudget {
  readonly #maxEpsilon: number;
  readonly #delta: number;
  /** Sum of 1 / (2 z²) over the masked updates, z being their noise: ρ of zCDP. */
  #spent = 0;

  /** Makes a budget; one without a largest ε has no limit. */
  constructor(
    { privacyMaxEpsilon = Infinity, privacyMaxDelta = DEFAULT_MAX_DELTA }: Pick<
      ClientTopologyOptions,
      "privacyMaxEpsilon" | "privacyMaxDelta"
    >,
  ) {
    this.#maxEpsilon = privacyMaxEpsilon;
    this.#delta = privacyMaxDelta;
  }

  /**
   * Checks that there is room for another masked update.
   *
   * @throws {SecureError} "budget-spent", if there is none.
   */
  check(noise: SharedNoise | undefined): void {
    if (noise === undefined || this.#maxEpsilon === Infinity) return;
    const epsilon = zcdpEpsilon(this.#spent + costOf(noise), this.#delta);
    if (epsilon <= this.#maxEpsilon + SLACK) return;
    throw new SecureError(
      "budget-spent",
      `Cannot mask an update: epsilon of this client would become ${+epsilon.toPrecision(
        6,
      )} at delta ${this.#delta}, above ${this.#maxEpsilon}`,
    );
  }

  /** Enters a masked update, which may be sent then. */
  spend(noise: SharedNoise | undefined): void {
    if (noise !== undefined) this.#spent += costOf(noise);
  }
}

function costOf({ noise }: SharedNoise): number {
  return 1 / (2 * noise * noise);
}
