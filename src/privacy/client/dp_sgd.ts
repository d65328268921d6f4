/**
 * Differential privacy of the records of one client.
 *
 * @module
 */

import type {
  ClientPrivacy,
  ClientPrivacyReport,
  PlannedSteps,
  PrivateSteps,
  RecordPrivacy,
} from "../../train/client_privacy.ts";
import type { GaussianReleases } from "../accounting/rdp.ts";
import { DiscreteGaussian } from "../noise/discrete_gaussian.ts";
import { RandomBits } from "../noise/random_words.ts";
import { ClientAccount, withContinuous } from "./client_account.ts";
import type { ClientPrivacyOptions } from "./options.ts";

/** Logarithm of the noise's deviation to base 2, in units of the grid. */
const LOG_DEVIATION = 21;
/**
 * Share of the clip that is left for rounding errors of sums and norms in float32: those of a sum
 * of many gradients are about 2^-20 of it.
 */
const ROUNDING = 2 ** -10;

/**
 * DP-SGD: training of a client whose every step is on gradients that are clipped record by record,
 * with noise on their sum.
 *
 * Abadi et al. 2016, "Deep Learning with Differential Privacy", algorithm 1. Each record is in a
 * step with the probability `batch size / number of records`, by itself. The guarantee is about the
 * presence of one record, against everyone who sees what the client sends, the server included. The
 * noise is an exact discrete Gaussian on whole numbers, from random bits of the system.
 *
 * Pass it to the handler of the client, as its option `privacy`. It needs the native engine and a
 * model without BatchNorm. Its ledger goes on over rounds and, with a `store`, over runs and
 * restarts: use one ledger for the same data.
 *
 * @example Digits, at an epsilon of 4 for 2 rounds
 * ```ts
 * import { digits, mlp, NativeSGDHandler } from "@fedlab/core";
 * import { DPSGD } from "@fedlab/core/privacy";
 * import { assert } from "@std/assert";
 *
 * const privacy = new DPSGD({ epsilon: 4, delta: 1e-4, clip: 1, rounds: 2 });
 * await using handler = new NativeSGDHandler({ data: await digits(), privacy });
 * await handler.setUp(mlp({ inputShape: [8, 8, 1], numClasses: 10 }));
 * const plan = { epochs: 1, batchSize: 100, learningRate: 0.5, momentum: 0, weightDecay: 0 };
 * await handler.train({ ...plan, round: 1, keepMomentum: false, seed: 1, rank: 1 });
 * assert((privacy.report.epsilon ?? Infinity) < 4);
 * ```
 */
export class DPSGD implements ClientPrivacy {
  /** Training on clipped gradients with noise. */
  readonly records: RecordPrivacy;
  readonly #options: ClientPrivacyOptions;
  readonly #account: ClientAccount;
  #rate: number | undefined;

  /**
   * Makes the privacy of one client.
   *
   * @throws {RangeError} If an option is out of range or missing.
   */
  constructor(options: ClientPrivacyOptions) {
    this.#account = new ClientAccount("record", options);
    this.#options = options;
    this.records = { begin: (planned) => this.#begin(planned) };
  }

  /** Guarantee so far. */
  get report(): ClientPrivacyReport {
    return {
      unit: "record",
      mechanism: "dp-sgd",
      relation: "add-remove",
      ...this.#account.report,
      ...(this.#rate !== undefined && { rate: this.#rate }),
    };
  }

  /** Returns the guarantee with ε of continuous noise, which takes a second or two to compute. */
  fullReport(): ClientPrivacyReport {
    return withContinuous(this.report, this.#account);
  }

  /** Tells in how many rounds the client may take part, from the next one on. */
  expect(rounds: number): void {
    this.#account.expect(rounds);
  }

  async #begin({ steps, batchSize, records, dimension }: PlannedSteps): Promise<PrivateSteps> {
    const { clip } = this.#options, { source } = this.#account;
    const rate = Math.min(1, batchSize / records);
    const releasesAt = (noise: number): GaussianReleases => ({ noise, rate, count: steps });
    const noise = await this.#account.noiseFor(releasesAt);
    const unit = noise * clip / 2 ** LOG_DEVIATION;
    // Each value of a sum is rounded to a unit, which one record may change by one more.
    const limit = (clip - Math.sqrt(dimension) * unit) * (1 - ROUNDING);
    if (!(limit > clip / 2)) {
      throw new RangeError(
        `Cannot train with privacy of records: expected a noise and a model that leave half of the clip for rounding, got the noise ${noise} and ${dimension} values`,
      );
    }
    this.#account.warnAbove(records, "records");
    await this.#account.enter(releasesAt(noise));
    this.#rate = rate;
    const gaussian = new DiscreteGaussian(LOG_DEVIATION, source), bits = new RandomBits(source);
    const below = Math.floor(rate * 2 ** 32), drawn = new Uint32Array(records);
    return {
      clip: limit,
      draw() {
        let count = 0;
        for (let row = 0; row < records; row++) if (bits.word() < below) drawn[count++] = row;
        return drawn.subarray(0, count);
      },
      release(sum) {
        const units = new Float64Array(sum.length);
        for (let i = 0; i < sum.length; i++) units[i] = Math.round((sum[i] ?? 0) / unit);
        gaussian.addTo(units);
        for (let i = 0; i < sum.length; i++) sum[i] = (units[i] ?? 0) * unit / batchSize;
      },
    };
  }
}
