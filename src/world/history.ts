import type { ParameterVector } from "../params/manifest.ts";
import type { Rank } from "../base/rank.ts";
import type { ServerEvent } from "../round/report/events.ts";
import type { RoundReport, RunReport } from "../round/report/report.ts";

/**
 * Entry of the history of a federation: seen at a client or at the server, but written down by the
 * world. It survives all that happens to the processes.
 */
export type HistoryEntry =
  | {
    /** A process has begun. The server's may have a checkpoint to resume from. */
    readonly type: "started";
    readonly machine: string;
    readonly resumedFrom?: number;
  }
  | {
    /** A process has ended. */
    readonly type: "ended";
    readonly machine: string;
    readonly by: "return" | "error" | "crash" | "kill";
    readonly error?: string;
  }
  | {
    /** A client has joined, as it says. */
    readonly type: "joined";
    readonly machine: string;
    readonly rank: Rank;
  }
  | {
    /** A client has trained. The vectors are copies. */
    readonly type: "trained";
    readonly machine: string;
    readonly round: number;
    readonly start: ParameterVector;
    readonly result: ParameterVector;
  }
  | {
    /** The server has admitted a client. */
    readonly type: "admitted";
    readonly rank: Rank;
    readonly identity: string;
    readonly address: string;
    readonly isBack: boolean;
  }
  | {
    /** The server has given a client up, or it has left. */
    readonly type: "lost";
    readonly rank: Rank;
  }
  | {
    /** The server has begun a try of a round. */
    readonly type: "opened";
    readonly round: number;
  }
  | {
    /** The server's handler has taken an update in. The vector is a copy. */
    readonly type: "taken";
    readonly round: number;
    readonly rank: Rank;
    readonly vector: ParameterVector;
  }
  | {
    /** The server's handler has taken a sum of masked updates in. */
    readonly type: "summed";
    readonly round: number;
    readonly ranks: readonly Rank[];
  }
  | {
    /** A process has written shares of the masks of an attempt to a connection. */
    readonly type: "revealed";
    readonly machine: string;
    readonly pid: number;
    readonly round: number;
    readonly attempt: number;
  }
  | {
    /** A process with privacy of its own has written an update to a connection. */
    readonly type: "sent";
    readonly machine: string;
    readonly vector: ParameterVector;
  }
  | {
    /** A file of results as a server finds it that begins: whole, or not. */
    readonly type: "found";
    readonly path: string;
    readonly isWhole: boolean;
  }
  | {
    /** A round has ended. The vector is a copy of the new model. */
    readonly type: "round";
    readonly report: RoundReport;
    readonly model: ParameterVector;
  }
  | {
    /** The server says that a round is saved. */
    readonly type: "saved";
    readonly round: number;
    /** Sizes of the files in the folder of the run, in bytes. */
    readonly sizes: ReadonlyMap<string, number>;
  }
  | {
    /** The run is over, as the server says. */
    readonly type: "finished";
    readonly report: RunReport;
  };

/** Entry with the time at which it was written, in milliseconds of the world. */
export type TimedEntry = HistoryEntry & { readonly at: number };

/** History of a federation. */
export class History {
  readonly entries: TimedEntry[] = [];
  readonly #now: () => number;
  /** Called with each entry, and with each event that the server tells of. */
  onEntry: ((entry: TimedEntry) => void) | undefined;
  onServerEvent: ((event: ServerEvent) => void) | undefined;

  /** Creates a history without entries; `now` gives the time of the world. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Writes an entry down. */
  add(entry: HistoryEntry): void {
    const timed = { ...entry, at: this.#now() };
    this.entries.push(timed);
    this.onEntry?.(timed);
  }

  /** Returns the entries of a type, in order. */
  of<Type extends HistoryEntry["type"]>(
    type: Type,
  ): Extract<TimedEntry, { readonly type: Type }>[] {
    return this.entries.filter((entry): entry is Extract<TimedEntry, { readonly type: Type }> =>
      entry.type === type
    );
  }
}
