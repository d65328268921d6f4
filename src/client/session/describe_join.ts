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
