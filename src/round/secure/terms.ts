import type { SecureSettings } from "../../plan/secure_settings.ts";
import { type GraphParameters, graphParameters } from "../../secure/graph.ts";
import { type Ring, ringOf } from "../../secure/ring.ts";
import { SECURE_DEFAULTS, type SecureAggregationOptions } from "./options.ts";

/** Most members that may all be neighbours: a secret has at most 255 shares. */
const MOST_COMPLETE = 255;

/** Terms of secure aggregation, which server and clients of a run agree on. */
export class SecureTerms {
  /** Ring in which updates are summed. */
  readonly ring: Ring;
  /** Smallest number of members of a round. */
  readonly minMembers: number;
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
    this.isSigned = settings.signed === true;
    this.minMembers = options.minMembers ?? SECURE_DEFAULTS.minMembers;
    this.graph(this.minMembers);
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
