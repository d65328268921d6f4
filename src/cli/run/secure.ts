import {
  parseSecureAggregation,
  SECURE_DEFAULTS,
  type SecureAggregationOptions,
} from "../../round/secure/options.ts";
import type { Flags } from "../options/table.ts";
import { UsageError } from "../options/option.ts";

/** Number of clients of a run, and the shares of them that are in a round. */
export interface SecureGroup {
  readonly clients: number;
  readonly fraction: number;
  readonly overSelect?: number;
}

/**
 * Reads the option `--secure-aggregation`. Unless it names `members`, they are as many as a round
 * selects, for which the steps of rounding are finest.
 *
 * @throws {UsageError} If a round has fewer clients than secure aggregation needs.
 */
export function secureFrom(
  { secureAggregation: text }: Pick<Flags<"server">, "secureAggregation">,
  { clients, fraction, overSelect = 0 }: SecureGroup,
): SecureAggregationOptions | undefined {
  if (text === undefined) return undefined;
  const options = parseSecureAggregation(text === true ? "" : text);
  const { minMembers = SECURE_DEFAULTS.minMembers } = options;
  const wanted = Math.max(1, Math.round(fraction * clients));
  const members = wanted + Math.ceil(wanted * overSelect - 1e-9);
  if (members < minMembers) {
    throw new UsageError(
      `expected rounds of ${minMembers} clients or more with --secure-aggregation, whose option min is that number, got ${members}`,
    );
  }
  return { maxMembers: members, ...options };
}

/** Warns of clients that have more samples than secure aggregation counts. */
export function warnOfSamples(
  secure: SecureAggregationOptions | undefined,
  parts: readonly ArrayLike<number>[],
  warn: (text: string) => void,
): void {
  const { maxSamples = SECURE_DEFAULTS.maxSamples } = secure ?? {};
  const more = parts.filter(({ length }) => length > maxSamples).length;
  if (secure === undefined || more === 0) return;
  warn(
    `${more} clients have more samples than the ${maxSamples} that count with --secure-aggregation (its option samples)`,
  );
}
