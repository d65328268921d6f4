import { DeadlineError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { withDeadline } from "../../base/time/with_deadline.ts";
import { codecsText } from "../../round/handler/server_codecs.ts";
import type { RunContext } from "./run_context.ts";

/**
 * Waits for all clients, or for `minClients` once the join time-out has passed. A resumed run waits
 * for the clients that were part of it.
 */
export async function gatherClients(run: RunContext): Promise<void> {
  const { sessions: { registry }, topology: { handler, options }, logger } = run;
  const { minClients, worldSize } = options, encoded = codecsText(handler.codecs);
  if (encoded !== undefined) logger.info(encoded);
  const isResumed = registry.awayCount > 0;
  // A new run, or one that resumes a simulation, expects nobody back. The clients of a resumed run
  // are waited for one by one: new clients do not count for them.
  const expected = isResumed ? "earlier clients" : worldSize - 1;
  const enough = minClients ?? (isResumed ? 1 : worldSize - 1);
  await waitUntilJoined(run, expected, enough, "Cannot begin");
  for (const rank of registry.away) registry.forget(rank);
}

/**
 * Waits until at least `least` clients are connected or expected back, for the join time-out at
 * most. Gives their ranks.
 */
export async function waitForClients(run: RunContext, least: number): Promise<readonly Rank[]> {
  const { sessions: { registry }, record, topology: { options, roundName }, peers } = run;
  const present = registry.size;
  if (present < least) {
    const after = `after ${record.rounds.length} of ${options.rounds} ${roundName.toLowerCase()}s`;
    const trouble = present === 0
      ? `All clients are gone ${after}`
      : `Too few clients are left ${after}: ${present}, expected at least ${least}`;
    peers.members.warn("too few clients", `${trouble}; waiting for others to come back`);
    await waitUntilJoined(run, least, least, trouble);
  }
  return registry.ranks;
}

/**
 * Waits until the expected clients have joined; once the join time-out has passed, `enough` of them
 * will do.
 */
async function waitUntilJoined(
  { sessions: { registry, registry: { group }, refused }, signal, logger, topology }: RunContext,
  expected: number | "earlier clients",
  enough: number,
  trouble: string,
): Promise<void> {
  const { joinSeconds: seconds } = topology.timeouts;
  const late = () => {
    const ranks = [...refused.byRank.keys()].filter((rank) => group.get(rank) === undefined)
      .sort((a, b) => a - b);
    return new DeadlineError(
      `${trouble}: ${group.progress}; gave up after ${seconds} seconds${
        ranks.length > 0
          ? `; refused rank ${ranks.slice(0, 5).join(", ")}: ${refused.byRank.get(ranks[0] ?? 0)}`
          : ""
      }${refused.byLimits === undefined ? "" : `; refused ${refused.byLimits}`}`,
    );
  };
  const waiting = new AbortController();
  try {
    const haveJoined = typeof expected === "number"
      ? () => group.size >= expected
      : () => group.size > 0 && registry.awayCount === 0;
    await withDeadline(group.until(haveJoined, waiting.signal), { seconds, signal, late });
  } catch (error) {
    if (!(error instanceof DeadlineError) || group.size < enough) throw error;
    logger.warn(`Going on with ${group.progress}`);
  } finally {
    waiting.abort();
  }
}
