/**
 * Events of private runs: what may be told of each.
 *
 * @module
 */

import type { PrivacyTerms } from "../../strategy/privacy.ts";
import type { ServerEvent } from "./events.ts";

/** Text in place of what a client, or a check of its update, says of its data. */
export const UNTOLD = "the reason is not told in a private run";
/** Text in place of why a connection ended, which may tell that a round awaited an update. */
const CONNECTION_ENDED = "the connection ended";

/** Makes the function that gives an application what may be told of events. */
export function teller(
  privacy: PrivacyTerms | undefined,
  onEvent: ((event: ServerEvent) => void) | undefined,
): (event: ServerEvent) => void {
  return (event) => {
    const told = toldEvent(event, privacy);
    if (told !== undefined) onEvent?.(told);
  };
}

/**
 * Returns an event without the figures of single clients, if the run is private, and `undefined`
 * for an event that tells nothing else.
 *
 * Numbers of samples, norms, losses, metrics and reasons of refusals follow from the clients' data
 * and have no noise. Where cohorts are secret nothing may tell who is in them, or how many are.
 */
export function toldEvent(
  event: ServerEvent,
  privacy: PrivacyTerms | undefined,
): ServerEvent | undefined {
  if (privacy === undefined) return event;
  const { isCohortSecret } = privacy;
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
      return isCohortSecret ? undefined : { ...rest, message: UNTOLD };
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
