import type { IdAssignmentPayload } from "../../wire/messages.ts";

/** Describes that a client has joined a run, for the log. */
export function describeJoin(
  server: string,
  { rank, worldSize, mode = "sync", rounds, strategy }: IdAssignmentPayload,
  isBack: boolean,
): string {
  const work = mode === "statistics"
    ? "for questions about its data"
    : `${rounds} ${mode === "async" ? "versions" : "rounds"} of ${strategy}`;
  const again = isBack ? "again " : "";
  return `Joined ${server} ${again}as rank ${rank} of a world of ${worldSize}, ${work}`;
}

/**
 * Describes the privacy that a server recommends to a client that gives its data none; `undefined`
 * where there is nothing to say.
 */
export function describeRecommendation(
  { clientPrivacy }: Pick<IdAssignmentPayload, "clientPrivacy">,
  isPrivate: boolean,
): string | undefined {
  if (clientPrivacy === undefined || isPrivate) return undefined;
  return `The server recommends --client-privacy ${clientPrivacy}, and this client gives its data none of its own`;
}
