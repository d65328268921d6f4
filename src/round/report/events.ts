/**
 * What a server tells as it goes.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import type { RoundReport, RunReport } from "./report.ts";

/** Something that happened in a run. */
export type ServerEvent =
  | {
    /** The server listens. */
    readonly type: "listening";
    /** Where, with the real port. */
    readonly address: string;
  }
  | {
    /** A client joined, or left before the first round. */
    readonly type: "joining";
    /** `"2 of 4 clients joined; waiting for ranks 3, 4"`. */
    readonly progress: string;
  }
  | {
    /** A client has a seat, for the first time or again. */
    readonly type: "client-joined";
    readonly rank: Rank;
    /**
     * Who it has proven to be: its key's fingerprint (`"SHA256:…"`), `"token"`, or `"open"` where
     * nobody is asked.
     */
    readonly identity: string;
    /** The name of its key on the server's list. */
    readonly name?: string;
    /** Where it comes from, such as `"tcp 10.0.0.7:5123"`. */
    readonly address: string;
    /** What it says of its program. */
    readonly agent: string;
    /** Number of its training samples, as it says. */
    readonly numSamples: number;
    /** Whether it has shown the session token of an earlier connection. */
    readonly isBack: boolean;
  }
  | {
    /** A peer was not let in. */
    readonly type: "client-refused";
    /** Where it comes from. */
    readonly address: string;
    /** The rule that it broke; absent when its connection ended. */
    readonly fault?: string;
    readonly message: string;
  }
  | {
    /** The list of allowed keys was read again; fingerprints of keys. */
    readonly type: "keys-changed";
    readonly added: readonly string[];
    readonly removed: readonly string[];
    /** Keys whose name, rank or date is another. */
    readonly changed: readonly string[];
  }
  | {
    /** The parameters go out to a cohort; without rounds, a new version is begun while those train. */
    readonly type: "round-started";
    readonly round: number;
    readonly rounds: number;
    readonly cohort: readonly Rank[];
  }
  | {
    /** An update went in. */
    readonly type: "update-received";
    readonly round: number;
    readonly rank: Rank;
    readonly received: number;
    readonly expected: number;
    /** Number of samples that the client says it has trained on. */
    readonly numSamples?: number;
    /** L2 norm of the change, where the handler has told it. */
    readonly norm?: number;
  }
  | {
    /**
     * An update was refused, or a client had none to give, which is the fault `"cannot-train"`; the
     * client stays.
     */
    readonly type: "update-refused";
    readonly rank: Rank;
    readonly fault: string;
    readonly message: string;
    /**
     * The round, where the update was of one that is open; without rounds, that of its task, or of
     * the version that it went into.
     */
    readonly round?: number;
    /** L2 norm of the change, where that is known. */
    readonly norm?: number;
  }
  | {
    /** A client's connection is lost; it is expected back. */
    readonly type: "client-away";
    readonly rank: Rank;
    readonly reason: string;
  }
  | {
    /** A round is tried again: it had too few updates, or one of them is refused after all. */
    readonly type: "round-retried";
    readonly round: number;
    /** Number of its updates that were sound. None of them counts. */
    readonly received: number;
    /** Number of updates that it needs. */
    readonly quorum: number;
  }
  | {
    /** The run was kept. */
    readonly type: "checkpoint";
    readonly round: number;
    /** The file, or what else the store calls it. */
    readonly path: string;
  }
  | {
    /**
     * The run could not be kept; that is tried again after the next round, until it has failed too
     * often in a row.
     */
    readonly type: "checkpoint-failed";
    readonly round: number;
    readonly reason: string;
    /** How often in a row. */
    readonly failures: number;
  }
  | {
    /** A client is gone. */
    readonly type: "client-lost";
    readonly rank: Rank;
    readonly reason: string;
  }
  | {
    /** A round is over. */
    readonly type: "round-ended";
    readonly report: RoundReport;
  }
  | {
    /** The run has failed, or was stopped. */
    readonly type: "stopped";
    readonly reason: string;
  }
  | {
    /** The run is over. */
    readonly type: "finished";
    readonly report: RunReport;
  };
