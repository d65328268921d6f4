import type { RunReport } from "../../round/report/report.ts";
import type { RunSettings } from "../run/run_settings.ts";

/** Reason of a run that has a report but not all of its rounds. */
export const CUT_SHORT = "it ended before its last round";

/**
 * Tells whether a run ended before its last round without a rule that stopped it early, such as by
 * a signal or an error.
 */
export function isCutShort(
  { rounds, stopped }: Pick<RunReport, "rounds" | "stopped">,
  { settings = {} }: Partial<Pick<RunSettings, "settings">> = {},
): boolean {
  const planned = settings.mode === "async" ? settings.versions : settings.rounds;
  return stopped === undefined && typeof planned === "number" &&
    (rounds.at(-1)?.round ?? 0) < planned;
}
