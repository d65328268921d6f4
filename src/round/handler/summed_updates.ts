/**
 * Updates that were added up where clients trained.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import type { AllowedSettings } from "../../plan/own_settings.ts";
import type { Strategy } from "../../strategy/strategy.ts";
import { contributorOf } from "../../strategy/sums/contributor.ts";
import type { ExactSums } from "../../strategy/sums/exact_sums.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import type { KnownClients } from "./known_clients.ts";
import type { OpenRound } from "./open_round.ts";
import type { ServerCodecs } from "./server_codecs.ts";
import type { SyncServerBackendHandler } from "./sync_server_backend_handler.ts";
import { knownFigures } from "./update_bound.ts";
import { checkFigures } from "./update_check.ts";

/** Terms by which another process adds updates up exactly as a server does. */
export interface SumTerms {
  /** Strategy of the registry whose updates count in the same way, as `parseStrategy` takes it. */
  readonly strategy: string;
  /** Settings that clients may choose themselves. */
  readonly allows?: AllowedSettings | undefined;
}

/**
 * Way of updates that were added up elsewhere: the figures of each, and their sums. Who adds them
 * up has checked the vectors as a server does.
 */
export interface SummedUpdates {
  /** Terms by which updates are added up. */
  readonly terms: SumTerms;
  /**
   * Checks the figures of an update without its vector.
   *
   * @throws {ProtocolError} "invalid-field" or "out-of-bounds".
   */
  check(sender: Rank, payload: ParameterUpdatePayload): void;
  /**
   * Notes the figures of an update, which has been checked.
   *
   * @param norm L2 norm of its change, or of the gradient.
   */
  take(sender: Rank, payload: ParameterUpdatePayload, norm: number): void;
  /** Takes the sums of updates whose figures were taken. */
  merge(part: ExactSums): void;
}

/** Methods that take an update by itself. */
type TakingMethods = Pick<SyncServerBackendHandler, "check" | "onReceive">;

/**
 * Returns the way of summed updates to a handler whose algorithm has a contributor, and whose
 * updates count as clients have made them; `undefined` for others.
 *
 * @param methods Methods that the handler must have, so that it does the same with each update.
 */
export function summedUpdates(
  handler: TakingMethods & {
    readonly strategy: Strategy;
    readonly aggregation: string;
    readonly allows: AllowedSettings | undefined;
    readonly codecs: ServerCodecs | undefined;
    readonly isClosed: boolean;
  },
  methods: TakingMethods,
  known: KnownClients,
  openRound: () => OpenRound | undefined,
): SummedUpdates | undefined {
  const { strategy, allows, aggregation, codecs, isClosed } = handler;
  if (aggregation !== "exact" || codecs !== undefined || isClosed) return undefined;
  if (handler.check !== methods.check || handler.onReceive !== methods.onReceive) return undefined;
  const contributor = contributorOf(strategy);
  if (contributor === undefined || strategy.sums === undefined) return undefined;
  const round = () => {
    const open = openRound();
    if (open === undefined) throw new Error("Cannot take an update: no round is open");
    return open;
  };
  return {
    terms: { strategy: contributor, ...(allows && { allows }) },
    check: (sender, payload) =>
      checkFigures(sender, payload, { plan: round().plan, strategy, allows }),
    take: (sender, payload, norm) =>
      known.addUpdate(sender, { round: payload.round, ...knownFigures(payload, norm) }),
    merge: (part) => round().merge(part),
  };
}
