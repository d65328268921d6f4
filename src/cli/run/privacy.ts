import type { Strategy } from "../../strategy/strategy.ts";
import { parsePrivacy } from "../../privacy/parse.ts";

/** Plan of a run that a guarantee is made for. */
export interface PrivacyPlan {
  readonly rounds: number;
  readonly clients: number;
  /** Share of the clients that take part in a round. */
  readonly fraction: number;
}

/**
 * Makes a strategy private where the option `--privacy` is given, and warns of what it does not
 * guarantee.
 *
 * @throws {RangeError} If the options of privacy are wrong, or no noise gives the guarantee.
 */
export async function withPrivacy(
  strategy: Strategy,
  text: string | undefined,
  { rounds, clients, fraction }: PrivacyPlan,
  warn: (text: string) => void,
): Promise<Strategy> {
  if (text === undefined) return strategy;
  const { CentralPrivacy } = await import("../../privacy/central_privacy.ts");
  const cohort = Math.max(1, Math.round(fraction * clients));
  const plan = { rounds, clients, cohort, then: strategy };
  const made = new CentralPrivacy({ ...parsePrivacy(text), ...plan });
  made.warnings.forEach(warn);
  return made;
}
