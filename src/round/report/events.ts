/**
 * Events of a run.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import type { Metrics } from "../../plan/results.ts";
import type { ClientEvaluation } from "./client_results.ts";
import type { RoundReport, RunReport } from "./report.ts";

/** Event in a run of a server or a simulation. */
export type ServerEvent =
  | {
    /** The server listens. */
    readonly type: "listening";
    /** The address, with the actual port. */
    readonly address: string;
  }
  | {
    /** A client joined, or left before the first round. */
    readonly type: "joining";
    /** Progress, such as `"2 of 4 clients joined; waiting for ranks 3, 4"`. */
    readonly progress: string;
  }
  | {
    /** A client has joined with a rank, for the first time or again. */
    readonly type: "client-joined";
    readonly rank: Rank;
    /**
     * Proven identity: a key's fingerprint (`"SHA256:…"`), `"token"`, or `"open"` when the server
     * asks for no proof.
     */
    readonly identity: string;
    /** Name of its key in the server's list. */
    readonly name?: string;
    /** Name of its site, as claimed. */
    readonly site?: string;
    /** Its address, such as `"tcp 10.0.0.7:5123"`. */
    readonly address: string;
    /** Name and version of its program, as claimed. */
    readonly agent: string;
    /** Number of its training samples, as claimed; absent in a private run. */
    readonly numSamples?: number;
    /** Set when it has presented the session token of an earlier connection. */
    readonly isBack: boolean;
  }
  | {
    /** A peer was not admitted. */
    readonly type: "client-refused";
    /** Its address. */
    readonly address: string;
    /** The rule that it broke; absent when its connection was lost. */
    readonly fault?: string;
    readonly message: string;
  }
  | {
    /** The list of allowed keys was reloaded. The keys are given by their fingerprints. */
    readonly type: "keys-changed";
    readonly added: readonly string[];
    readonly removed: readonly string[];
    /** Keys whose name, rank or date has changed. */
    readonly changed: readonly string[];
  }
  | {
    /**
     * The parameters are sent to a cohort; without rounds, a new version begins while the cohort
     * trains.
     */
    readonly type: "round-started";
    readonly round: number;
    readonly rounds: number;
    readonly cohort: readonly Rank[];
  }
  | {
    /**
     * An update was accepted. In a private run there are no figures of the update, and where its
     * cohorts are secret no such events.
     */
    readonly type: "update-received";
    readonly round: number;
    readonly rank: Rank;
    readonly received: number;
    readonly expected: number;
    /** Number of samples that the client claims to have trained on. */
    readonly numSamples?: number;
    /** L2 norm of the change, when the handler has computed it. */
    readonly norm?: number;
    /** Mean loss of the last local epoch, when the client has told a finite one. */
    readonly loss?: number;
    /** Further figures of the training, by name: the first 64. */
    readonly metrics?: Metrics;
  }
  | ({
    /** A client has evaluated the parameters of a round on its own data. */
    readonly type: "evaluated";
    readonly round: number;
  } & ClientEvaluation)
  | {
    /**
     * An update was refused, or a client had no update, which is the fault `"cannot-train"`. The
     * client stays. In a private run there is no reason, and where its cohorts are secret there are
     * no such events.
     */
    readonly type: "update-refused";
    readonly rank: Rank;
    readonly fault: string;
    readonly message: string;
    /**
     * The round, if the update was for the open one; without rounds, the round of its task or of
     * the version that contained it.
     */
    readonly round?: number;
    /** L2 norm of the change, when it is known. */
    readonly norm?: number;
  }
  | {
    /** A client's connection was lost. It may reconnect. */
    readonly type: "client-away";
    readonly rank: Rank;
    readonly reason: string;
  }
  | {
    /** A round is tried again: it had too few updates, or one of them was refused after all. */
    readonly type: "round-retried";
    readonly round: number;
    /** Number of valid updates of the failed try. None of them counts. */
    readonly received: number;
    /** Number of updates that the round needs. */
    readonly quorum: number;
  }
  | {
    /** A checkpoint of the run was saved. */
    readonly type: "checkpoint";
    readonly round: number;
    /** The file, or the name that the store gives the checkpoint. */
    readonly path: string;
  }
  | {
    /**
     * A checkpoint could not be saved. Saving is tried again after the next round, until it has
     * failed too often in a row.
     */
    readonly type: "checkpoint-failed";
    readonly round: number;
    readonly reason: string;
    /** Number of failures in a row. */
    readonly failures: number;
  }
  | {
    /** A client has left and will not return. */
    readonly type: "client-lost";
    readonly rank: Rank;
    readonly reason: string;
  }
  | {
    /** A round has ended. */
    readonly type: "round-ended";
    readonly report: RoundReport;
  }
  | {
    /** The run has failed or was stopped. */
    readonly type: "stopped";
    readonly reason: string;
  }
  | {
    /** The run is complete. */
    readonly type: "finished";
    readonly report: RunReport;
  };
