/** Default share of the wanted updates that completes a round. */
export const DEFAULT_QUORUM = 0.5;
/** Default maximum number of tries of a round. */
export const DEFAULT_ROUND_TRIES = 3;

/** Limits of a run's rounds. */
export interface RoundLimits {
  /** Number of rounds of the run. */
  readonly rounds: number;
  /**
   * Share of the wanted updates that completes a round.
   *
   * @default {0.5}
   */
  readonly quorum?: number | undefined;
  /**
   * Maximum number of tries of a round.
   *
   * @default {3}
   */
  readonly roundTries?: number | undefined;
  /** Number of clients with which a run may begin. Default: all of them. */
  readonly minClients?: number | undefined;
}

/**
 * Returns the number of updates that completes a round: a share of those wanted, but no more than
 * the clients with which a run may begin; and at least as many as the algorithm needs, where that
 * many are wanted.
 */
export function requiredUpdates(
  wanted: number,
  { quorum = DEFAULT_QUORUM, minClients = Infinity, fewestUpdates = 1 }:
    & Partial<RoundLimits>
    & { readonly fewestUpdates?: number },
): number {
  const share = Math.min(Math.ceil(wanted * quorum), minClients);
  return Math.max(1, share, Math.min(fewestUpdates, wanted));
}
