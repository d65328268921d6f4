import { basename } from "node:path";
import type { Openness } from "../../round/report/private_events.ts";
import { isTelemetryOn, openTelemetry } from "../../telemetry/open.ts";
import type { RunTelemetry } from "../../telemetry/telemetry.ts";

/**
 * Opens the telemetry of a command's run, where data are exported.
 *
 * @param folder Folder of the run, by whose name it is known.
 * @param handler Returns the handler of the run; called after each round.
 */
export async function telemetryOf(
  command: string,
  folder: string,
  handler: () => Pick<Openness, "privacy">,
): Promise<RunTelemetry | undefined> {
  if (!isTelemetryOn()) return undefined;
  const epsilon = () => handler().privacy?.report.epsilon;
  return await openTelemetry({ run: basename(folder), command, epsilon });
}
