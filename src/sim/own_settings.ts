import { type AllowedSettings, type OwnSettings, refusedSetting } from "../plan/own_settings.ts";
import type { TrainSettings } from "../plan/settings.ts";

/**
 * Checks the settings of the clients of a simulation.
 *
 * @throws {RangeError} If there are not as many as clients, or the server does not allow one.
 */
export function checkOwnSettings(
  { settings, parts, clients }: {
    readonly settings?: readonly OwnSettings[];
    readonly parts?: readonly unknown[];
    readonly clients?: number;
  },
  plan: TrainSettings,
  allows: AllowedSettings | undefined,
): void {
  if (settings === undefined) return;
  const count = parts?.length ?? clients ?? 0;
  if (settings.length !== count) {
    throw new RangeError(
      `Cannot simulate: expected settings of ${count} clients, got ${settings.length}`,
    );
  }
  settings.forEach((own, i) => {
    const refused = refusedSetting(own, allows, plan);
    if (refused === undefined) return;
    throw new RangeError(`Cannot simulate the client of rank ${i + 1}: ${refused}`);
  });
}
