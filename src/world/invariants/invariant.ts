import type { Federation } from "../federation/federation.ts";
import type { Schedule } from "../faults/schedule.ts";

/** Circumstances of a run that is over. */
export interface Judged {
  readonly federation: Federation;
  readonly schedule: Schedule;
  /** Set if all faults have ended early enough for the run to end well. */
  readonly isHealed: boolean;
  /** Set if the run has ended within its limit. */
  readonly isEnded: boolean;
  /** Digest of the model of the same run without faults; `undefined` if it was not made. */
  readonly undisturbed: string | undefined;
}

/** Rule that no fault may break. Returns a line for each breach. */
export interface Invariant {
  /** Name of the rule. */
  readonly name: string;
  /** Finds breaches in the history of a run. */
  breaches(judged: Judged): readonly string[];
}
