import type { Schedule } from "./faults/schedule.ts";
import { type Outcome, play, playUndisturbed } from "./play.ts";
import { shrink } from "./shrink.ts";

/**
 * Returns the fewest faults of a run that break the same rule as all of them: the first that it
 * broke. None are left if the run breaks the rule without faults.
 *
 * @param mostTries Number of runs after which the fewest so far are returned.
 */
export async function shrinkPlay(outcome: Outcome, mostTries?: number): Promise<Schedule> {
  const [broken] = outcome.violations;
  if (broken === undefined) return outcome.schedule;
  const isBroken = ({ violations }: Pick<Outcome, "violations">) =>
    violations.some(({ invariant }) => invariant === broken.invariant);
  // The same for all parts of the schedule.
  const calm = await playUndisturbed(outcome);
  if (isBroken(calm)) return [];
  const fails = async (schedule: Schedule) =>
    isBroken(await play({ ...outcome, schedule }, { undisturbed: calm.digest }));
  return await shrink(outcome.schedule, fails, mostTries);
}
