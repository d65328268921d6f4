import type { EarlyStop } from "./report.ts";

/** Explains why a resumed run has nothing to do. */
export function earlyStopText({ round, reason }: EarlyStop): string {
  return `The run has stopped early after round ${round}: ${reason}; it goes on with other options of stopping`;
}
