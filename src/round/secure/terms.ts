import type { SecureSettings } from "../../plan/secure_settings.ts";
import { type GraphParameters, graphParameters } from "../../secure/graph.ts";
import { type Ring, ringOf } from "../../secure/ring.ts";
import type { SecureRunReport } from "./report.ts";
import { SECURE_DEFAULTS, type SecureAggregationOptions } from "./options.ts";

/** Most members that may all be neighbours: a secret has at most 255 shares. */
const MOST_COMPLETE = 255;

/** Guarantees, as reports have them. */
const UNMASKED = "none: a simulation adds the updates up without masks";
const AGAINST_CURIOUS =
  "the server learns sums of updates and who took part, as long as it names the members and their keys truly";
const AGAINST_LIARS =
  "the server learns sums of updates and who took part, also if it lies to members who list each other's keys";

/** Terms of secure aggregation, which server and clients of a run agree on. */
export class SecureTerms {
  /** Ring in which updates are summed. */
  readonly ring: Ring;
  /** Smallest number of members of a round. */
  readonly minMembers: number;
  /** Settings of the plan that clients are sent. */
  readonly settings: SecureSettings;
  /** Set if members sign their keys and the list of survivors. */
  readonly isSigned: boolean;
  readonly #options: SecureAggregationOptions;

  /**
   * Makes the terms.
   *
   * @param settings Settings of the plan that clients are sent.
   * @throws {RangeError} If an option is out of range, or no graph of the fewest members is safe.
   */
  constructor(options: SecureAggregationOptions, settings: SecureSettings) {
    this.#options = { ...options };
    this.ring = ringOf(settings);
    this.settings = settings;
    this.isSigned = settings.signed === true;
    this.minMembers = options.minMembers ?? SECURE_DEFAULTS.minMembers;
    this.graph(this.minMembers);
  }

  /** Returns the guarantee of a run, which is none where no masks are made. */
  reportOf({ isMasked }: { readonly isMasked: boolean }): SecureRunReport {
    const { minMembers, isSigned, ring: { maxMembers, maxSamples } } = this;
    const { clip: ofValues, maxNorm, noise } = this.settings;
    const clip = maxNorm ?? noise?.clip ?? ofValues;
    return {
      protocol: isSigned ? "secagg+ signed" : "secagg+",
      guarantee: !isMasked ? UNMASKED : isSigned ? AGAINST_LIARS : AGAINST_CURIOUS,
      ...{ minMembers, maxMembers, clip, maxSamples },
    };
  }

  /**
   * Gives degree and threshold for a number of members.
   *
   * @throws {RangeError} If there is no graph for so many.
   */
  graph(members: number): GraphParameters {
    const { graph = "auto", ...assumptions } = this.#options;
    if (graph === "auto" || members <= 3) return graphParameters(members, assumptions);
    if (members > MOST_COMPLETE) {
      throw new RangeError(
        `Cannot lay out the graph: expected up to ${MOST_COMPLETE} members with graph=complete, got ${members}`,
      );
    }
    const isDouble = assumptions.server !== "curious";
    return {
      degree: members - 1,
      threshold: (isDouble ? Math.floor(2 * members / 3) : Math.floor(members / 2)) + 1,
    };
  }
}
