import type { LearningRateSchedule } from "../../plan/schedule.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { PlanChange } from "../report/report.ts";

/** Settings of training that a checkpoint notes. */
export interface NotedSettings {
  readonly plan: TrainSettings;
  readonly schedule?: LearningRateSchedule | undefined;
}

/**
 * Compares the settings that a run had with those with which it goes on.
 *
 * @param round The first round with the new settings.
 * @returns The settings that differ, or `undefined` for none.
 */
export function planChange(
  round: number,
  before: NotedSettings,
  after: NotedSettings,
): PlanChange | undefined {
  const [from, to] = [before, after].map(({ plan, schedule }): Record<string, unknown> => ({
    ...plan,
    ...(schedule && { schedule }),
  }));
  const names = new Set([...Object.keys(from ?? {}), ...Object.keys(to ?? {})]);
  const differing = [...names].filter((name) =>
    JSON.stringify(from?.[name]) !== JSON.stringify(to?.[name])
  );
  if (differing.length === 0) return undefined;
  const pick = (settings: Record<string, unknown> = {}) =>
    Object.fromEntries(
      differing.flatMap((name) => settings[name] === undefined ? [] : [[name, settings[name]]]),
    );
  return { round, from: pick(from), to: pick(to) };
}

/** Returns the changes of a saved run, with that by which it goes on with other settings. */
export function changesWith(
  { changes = [], settings }: {
    readonly changes?: readonly PlanChange[];
    readonly settings?: NotedSettings;
  },
  round: number,
  now: NotedSettings,
): readonly PlanChange[] {
  // Older checkpoints have no settings.
  const change = settings && planChange(round, settings, now);
  return change ? [...changes, change] : changes;
}
