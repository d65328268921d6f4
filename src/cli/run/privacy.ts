import type { Strategy } from "../../strategy/strategy.ts";
import type { DistributedPrivacyOptions } from "../../privacy/distributed/distributed_privacy.ts";
import { parsePrivateRun } from "../../privacy/parse.ts";
import {
  SECURE_DEFAULTS,
  type SecureAggregationOptions,
  secureSettings,
} from "../../round/secure/options.ts";
import { SecureTerms } from "../../round/secure/terms.ts";
import { UsageError } from "../options/option.ts";

/** Plan of a run that a guarantee is made for. */
export interface PrivacyPlan {
  readonly rounds: number;
  readonly clients: number;
  /** Share of the clients that take part in a round. */
  readonly fraction: number;
  /** Options of secure aggregation, where the run has it. */
  readonly secure?: SecureAggregationOptions | undefined;
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
  { rounds, clients, fraction, secure }: PrivacyPlan,
  warn: (text: string) => void,
): Promise<Strategy> {
  if (text === undefined) return strategy;
  const cohort = Math.max(1, Math.round(fraction * clients));
  const plan = { rounds, clients, cohort, then: strategy }, choice = parsePrivateRun(text);
  if (choice.mechanism !== "distributed") {
    const { CentralPrivacy } = await import("../../privacy/central_privacy.ts");
    const made = new CentralPrivacy({ ...choice, ...plan });
    made.warnings.forEach(warn);
    return made;
  }
  const { DistributedPrivacy } = await import("../../privacy/distributed/distributed_privacy.ts");
  const { mechanism: _, ...rest } = choice;
  const made = new DistributedPrivacy({ ...rest, ...plan, ...thresholdOf(secure, cohort) });
  made.warnings.forEach(warn);
  return made;
}

/** Largest cohort whose members are all neighbours unless the graph says so. */
const MOST_NEIGHBOURS = 32;

/**
 * Returns the least number of updates that a sum has, and the share of members that may collude.
 *
 * @throws {UsageError} If there is no secure aggregation, or members see but a part of the others.
 */
function thresholdOf(
  secure: SecureAggregationOptions | undefined,
  cohort: number,
): Pick<DistributedPrivacyOptions, "threshold" | "colluding"> {
  if (secure === undefined) {
    throw new UsageError("expected --secure-aggregation with --privacy distributed");
  }
  if (cohort > MOST_NEIGHBOURS && secure.graph !== "complete") {
    throw new UsageError(
      `expected --secure-aggregation graph=complete with --privacy distributed and more than ${MOST_NEIGHBOURS} clients in a round: else members see a part of the others alone`,
    );
  }
  const { colluding, minMembers = SECURE_DEFAULTS.minMembers } = secure;
  const { threshold } = new SecureTerms(secure, secureSettings(secure)).graph(minMembers);
  return { threshold, ...(colluding !== undefined && { colluding }) };
}
