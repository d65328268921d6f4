import { AT_LEAST_ONE, checkInRange, describeRange, isInRange, type Range } from "../base/check.ts";
import type { ClientUpdate } from "./strategy.ts";

/**
 * Returns the value of an option if it is in its range.
 *
 * @throws {RangeError} If it is not; the message names the strategy and the option.
 */
export function checked(strategy: string, option: string, value: number, range: Range): number {
  const expected = `${option} to be ${describeRange(range)}`;
  return checkInRange(value, range, `Cannot make ${strategy}`, expected);
}

/**
 * Checks an option that repeats one of the clients' settings.
 *
 * @throws {RangeError} If the two differ.
 */
export function checkSame(
  strategy: string,
  option: string,
  given: number | undefined,
  setting: number,
): void {
  if (given === undefined || given === setting) return;
  throw new RangeError(
    `Cannot train by ${strategy}: expected the clients' ${option} ${given}, got ${setting}`,
  );
}

/**
 * Returns the number of attackers of a robust strategy.
 *
 * @throws {RangeError} If it is not a whole number from 0.
 */
export function checkedAttackers(strategy: string, value = 1): number {
  return checked(strategy, "attackers", value, { least: 0, whole: true });
}

/**
 * Checks that a round has enough updates for the number of attackers.
 *
 * @param rule The least number of updates as a formula, for the error.
 * @throws {RangeError} If it has fewer.
 */
export function checkEnough(
  strategy: string,
  updates: number,
  { least, rule, attackers }: { least: number; rule: string; attackers: number },
): void {
  if (updates >= least) return;
  throw new RangeError(
    `Cannot aggregate by ${strategy}: expected at least ${rule} = ${least} updates for ${attackers} attackers, got ${updates}`,
  );
}

/**
 * Checks that an update tells its number of steps.
 *
 * @throws {RangeError} If it is not a whole number from 1.
 */
export function checkSteps(strategy: string, { rank, steps = NaN }: ClientUpdate): void {
  if (isInRange(steps, AT_LEAST_ONE)) return;
  throw new RangeError(
    `Cannot aggregate the update of rank ${rank} by ${strategy}: expected a whole number of steps from 1, got ${
      Number.isNaN(steps) ? "none" : steps
    }`,
  );
}
