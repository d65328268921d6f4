import { ProtocolError } from "../base/errors.ts";
import { conflictText, findConflict } from "../plan/compatibility/conflicts.ts";
import type { TrainSettings } from "../plan/settings.ts";
import type { ClientBackendHandler } from "../train/handler.ts";
import type { ReadyPayload } from "../wire/messages/ready.ts";

/**
 * Returns the number of samples that the server is told: 1 where the client keeps its data private.
 */
export function toldSamples({ privacy }: ClientBackendHandler, numSamples: number): number {
  return privacy === undefined ? numSamples : 1;
}

/**
 * Describes the client's data for `Ready`.
 *
 * @param isSecure Set with secure aggregation, where the number of samples is summed under masks.
 */
export function describedData(
  handler: ClientBackendHandler,
  isSecure: boolean,
): Pick<ReadyPayload, "numSamples" | "private"> {
  return {
    numSamples: isSecure ? 1 : toldSamples(handler, handler.numSamples),
    ...(handler.privacy !== undefined && { private: true }),
  };
}

/**
 * Checks that the algorithm of a run sends nothing that the client's own privacy does not cover.
 *
 * @throws {ProtocolError} If it does.
 */
export function checkOwnPrivacy(plan: TrainSettings, { privacy }: ClientBackendHandler): void {
  const conflict = privacy && findConflict({ plan, ownPrivacy: privacy.report.mechanism });
  if (!conflict) return;
  throw new ProtocolError("invalid-field", `Cannot join: ${conflictText(conflict)}`);
}
