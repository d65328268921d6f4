/**
 * Differential privacy of one client that trusts nobody.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import { VectorPart } from "../../params/vector_part.ts";
import type {
  ClientPrivacy,
  ClientPrivacyReport,
  SentChange,
  UpdatePrivacy,
} from "../../train/client_privacy.ts";
import type { GaussianReleases } from "../accounting/rdp.ts";
import { addClipped } from "../mechanism/clip.ts";
import { DiscreteGaussian } from "../noise/discrete_gaussian.ts";
import { ClientAccount, withContinuous } from "./client_account.ts";
import type { ClientPrivacyOptions } from "./options.ts";

/** Logarithm of the noise's deviation to base 2, in units of the grid. */
const LOG_DEVIATION = 21;

/**
 * Local differential privacy: the client clips the change of the parameters and adds noise to it
 * before it sends them.
 *
 * The guarantee is about all data of the client, which may be replaced by any others, against
 * everyone, the server included. Two updates may differ by twice the clip: ε follows from the noise
 * divided by that. The mean over m clients has √m times the noise of a server that adds it once, at
 * the same ε: this is for very many clients, or very small models. The noise is an exact discrete
 * Gaussian on whole numbers, from random bits of the system.
 *
 * Pass it to the handler of the client, as its option `privacy`.
 *
 * @example Epsilon of 10 updates
 * ```ts
 * import { LocalPrivacy } from "@fedlab/core/privacy";
 * import { assertEquals, assertAlmostEquals } from "@std/assert";
 *
 * const privacy = new LocalPrivacy({ epsilon: 8, delta: 1e-5, clip: 0.1, rounds: 10 });
 * const from = new Float32Array(3), to = new Float32Array([1, 2, 3]);
 * const sent = await privacy.updates.protect({ from, to, fixed: [] });
 * assertEquals(sent.length, 3);
 * assertAlmostEquals(privacy.report.noise ?? 0, 4.033, 1e-3);
 * ```
 */
export class LocalPrivacy implements ClientPrivacy {
  /** Noise on what the client sends. */
  readonly updates: UpdatePrivacy;
  readonly #options: ClientPrivacyOptions;
  readonly #account: ClientAccount;
  readonly #noise: DiscreteGaussian;

  /**
   * Makes the privacy of one client.
   *
   * @throws {RangeError} If an option is out of range or missing.
   */
  constructor(options: ClientPrivacyOptions) {
    this.#account = new ClientAccount("client", options);
    this.#options = options;
    this.#noise = new DiscreteGaussian(LOG_DEVIATION, this.#account.source);
    this.updates = {
      check: async () => void await this.#account.noiseFor(releaseWith),
      protect: (change) => this.#protect(change),
    };
  }

  /** Guarantee so far. */
  get report(): ClientPrivacyReport {
    return {
      unit: "client",
      mechanism: "local",
      relation: "replace",
      ...this.#account.report,
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

  async #protect({ from, to, fixed }: SentChange): Promise<ParameterVector> {
    const { clip } = this.#options;
    const noise = await this.#account.noiseFor(releaseWith);
    const part = new VectorPart(from.length, fixed);
    checkFixed(from, to, fixed);
    const grid = { clip, unit: noise * clip / 2 ** LOG_DEVIATION };
    const sum = new Float64Array(part.length), start = part.take(from);
    addClipped(sum, { from: start, to: part.take(to) }, grid);
    await this.#account.enter(releaseWith(noise));
    this.#noise.addTo(sum);
    const changed = start.map((value, i) => value + (sum[i] ?? 0) * grid.unit);
    const sent = from.slice();
    part.put(changed, sent);
    return sent;
  }
}

/** Release of an update, whose sensitivity is twice the clip. */
function releaseWith(noise: number): GaussianReleases {
  return { noise: noise / 2, rate: 1, count: 1 };
}

/** Throws a `RangeError` if a value that no gradient trains has changed. */
function checkFixed(
  from: ParameterVector,
  to: ParameterVector,
  fixed: SentChange["fixed"],
): void {
  for (const [start, end] of fixed) {
    for (let i = start; i < end; i++) {
      if (from[i] === to[i]) continue;
      throw new RangeError(
        "Cannot add noise to the update: expected a model without moving statistics such as BatchNorm's, of which noise makes variances negative",
      );
    }
  }
}
