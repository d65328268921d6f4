import type { Rank } from "../../base/rank.ts";
import type { Timeouts } from "../../net/timeouts.ts";
import type { SavedRanks } from "../../round/record/saved_state.ts";
import type { PeerLimits } from "./peer_limits.ts";
import type { JoinOptions } from "./registration.ts";
import type { PeerLogs, SessionListener } from "./session_listener.ts";

/** Options of the sessions of a run. */
export interface SessionsOptions {
  readonly worldSize: number;
  /** Ranks of a run that is resumed. */
  readonly saved: SavedRanks | undefined;
  /** Ranks of an earlier run. */
  readonly keptRanks: readonly Rank[] | undefined;
  readonly joinOptions: JoinOptions;
  readonly limits: PeerLimits;
  readonly timeouts: Timeouts;
  readonly peers: PeerLogs;
  readonly listener: SessionListener;
}
