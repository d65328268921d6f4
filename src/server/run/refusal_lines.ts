import type { Rank } from "../../base/rank.ts";
import { UNTOLD } from "../../round/report/private_events.ts";
import type { RunContext } from "./run_context.ts";

/**
 * Logs that a client's update was refused: in a private run without the reason, which may follow
 * from its data, and with secret cohorts not at all.
 */
export function tellRefused(
  { peers, topology: { handler: { privacy } } }: RunContext,
  rank: Rank,
  message: string,
): void {
  if (privacy?.isCohortSecret) return;
  const text = privacy ? `Cannot take the update of rank ${rank}: ${UNTOLD}` : message;
  peers.members.warn(`rank ${rank}`, text);
}
