/**
 * Events of closed runs, which are private or have masked updates: what may be told of each.
 *
 * @module
 */

import type { PrivacyTerms } from "../../strategy/privacy.ts";
import type { Absence } from "./absence.ts";
import type { ServerEvent } from "./events.ts";

/** Text in place of what a client, or a check of its update, says of its data. */
export const UNTOLD = "the reason is not told in a private run";

/** Handler of a run, as far as it tells what may be told. */
export interface Openness {
  /** Set if nobody may learn figures of a single client. */
  readonly isClosed: boolean;
  /** Demands of an algorithm that keeps clients private. */
  readonly privacy: PrivacyTerms | undefined;
}

/** Text in place of why a connection ended, which may tell that a round awaited an update. */
const CONNECTION_ENDED = "the connection ended";

/** Makes the function that gives an application what may be told of events. */
export function teller(
  run: Openness,
  onEvent: ((event: ServerEvent) => void) | undefined,
): (event: ServerEvent) => void {
  return (event) => {
    const told = toldEvent(event, run);
    if (told !== undefined) onEvent?.(told);
  };
}

/**
 * Returns an event without the figures of single clients, if the run is closed, and `undefined`
 * for an event that tells nothing else.
 *
 * Numbers of samples, norms, losses, metrics and reasons of refusals follow from the clients' data
 * and have no noise. Where cohorts are secret nothing may tell who is in them, or how many are.
 */
export function toldEvent(
  event: ServerEvent,
  { isClosed, privacy }: Openness,
): ServerEvent | undefined {
  if (!isClosed) return event;
  const isCohortSecret = privacy?.isCohortSecret ?? false;
  switch (event.type) {
    case "client-joined": {
      const { numSamples: _, ...rest } = event;
      return rest;
    }
    case "round-started":
      return isCohortSecret ? { ...event, cohort: [] } : event;
    case "update-received": {
      const { type, round, rank, received, expected } = event;
      return isCohortSecret ? undefined : { type, round, rank, received, expected };
    }
    case "update-refused": {
      const { norm: _, ...rest } = event;
      if (isCohortSecret) return undefined;
      // With secure aggregation clients tell no reasons that have figures of their data.
      return privacy === undefined ? rest : { ...rest, message: UNTOLD };
    }
    case "client-away":
    case "client-lost":
      return isCohortSecret ? { ...event, reason: CONNECTION_ENDED } : event;
    case "evaluated":
      return undefined;
    default:
      return event;
  }
}

/** Returns absences, in a private run without the reasons. */
export function toldLosses(
  absences: readonly Absence[],
  privacy: PrivacyTerms | undefined,
): readonly Absence[] {
  return privacy === undefined ? absences : absences.map(({ rank }) => ({ rank, reason: UNTOLD }));
}
