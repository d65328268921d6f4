import type { ServerEvent } from "../../round/report/events.ts";

/** Events by which a run makes progress, whatever its clients do. */
export const PROGRESS: ReadonlySet<ServerEvent["type"]> = new Set([
  "round-started",
  "update-received",
  "round-retried",
  "round-ended",
  "checkpoint",
]);
