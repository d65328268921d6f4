/** State of the protocol that a machine of its table has come into. */
export interface Entered {
  /** Machine of the table of transitions, such as `"client"` or `"session"`. */
  readonly machine: string;
  readonly state: string;
  /** Name of the client's machine; absent where it is the server as a whole. */
  readonly client?: string;
}

/** Moment at which a machine of the table comes into a state. */
export interface Moment extends Entered {
  /** Number of such moments that are let pass before. */
  readonly skip?: number;
  /** Time in seconds from the moment to what is to happen; 0 if it is absent. */
  readonly delay?: number;
  /** Time in seconds within which it counts. */
  readonly within: number;
}

/** Returns true if a machine comes into the state of a moment. */
export function isMoment({ machine, state, client }: Moment, entered: Entered): boolean {
  return machine === entered.machine && state === entered.state &&
    (client === undefined || client === entered.client);
}

/** Describes a moment in a few words. */
export function momentText({ machine, state, client, skip = 0, delay = 0 }: Moment): string {
  const whose = client === undefined ? "" : ` of ${client}`;
  const after = delay === 0 ? "" : `${delay} s after `;
  return `${after}${machine}${whose} is "${state}"${skip === 0 ? "" : ` for time ${skip + 1}`}`;
}
