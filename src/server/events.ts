/**
 * What a server tells as it goes.
 *
 * @module
 */

import type { Rank } from "../net/process_group.ts";
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
  }
  | {
    /** An update was refused; the client stays. */
    readonly type: "update-refused";
    readonly rank: Rank;
    readonly fault: string;
    readonly message: string;
  }
  | {
    /** A client's connection is lost; it is expected back. */
    readonly type: "client-away";
    readonly rank: Rank;
    readonly reason: string;
  }
  | {
    /** A round had too few updates and is tried again. */
    readonly type: "round-retried";
    readonly round: number;
    readonly received: number;
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
    /** The run could not be kept; that is tried again after the next round, until it has failed too often in a row. */
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
    /** The run is over. */
    readonly type: "finished";
    readonly report: RunReport;
  };
