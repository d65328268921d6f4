import type { Rank } from "../base/rank.ts";
import type { EvaluateResult, TrainResult } from "../plan/results.ts";
import type { ClientPrivacyReport } from "../train/client_privacy.ts";

/** Event in the life of a client. */
export type ClientEvent =
  | {
    /** The client has joined and built the model. */
    readonly type: "joined";
    readonly rank: Rank;
    readonly worldSize: number;
    readonly rounds: number;
    /** Set if nobody may learn figures of single clients: the run is private, or masks updates. */
    readonly isClosed?: boolean;
  }
  | {
    /** The client has trained for a round. */
    readonly type: "trained";
    readonly round: number;
    readonly result: TrainResult;
    /** Wall time of the training. */
    readonly seconds: number;
    /** Privacy of the client's own, as far as its ledger has come; absent without. */
    readonly privacy?: ClientPrivacyReport;
  }
  | {
    /** The client has evaluated the parameters of a round. */
    readonly type: "evaluated";
    readonly round: number;
    readonly result: EvaluateResult;
  }
  | {
    /**
     * The client could not train for a round and has told the server. It stays for the next one.
     */
    readonly type: "cannot-train";
    readonly round: number;
    readonly reason: string;
  };
