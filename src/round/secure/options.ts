/**
 * Options of secure aggregation at a server.
 *
 * @module
 */

import { checkInRange } from "../../base/check.ts";
import { checkNamedOptions, readNamedOptions } from "../../base/named_options.ts";
import type { MemberSettings } from "../../strategy/privacy.ts";
import type { SecureSettings } from "../../plan/secure_settings.ts";
import type { GraphAssumptions } from "../../secure/graph.ts";

/**
 * Options of secure aggregation at a server, which then learns sums of updates and no single one.
 */
export interface SecureAggregationOptions extends GraphAssumptions {
  /**
   * Smallest number of members of a round, from 3: with fewer the round is tried again.
   *
   * @default {5}
   */
  minMembers?: number;
  /**
   * Pairs of members that share masks: `"complete"` for all, up to 255 members; `"auto"` for all
   * pairs of up to 32 members, and above for as few as the assumptions on clients and server allow.
   *
   * @default {"auto"}
   */
  graph?: "auto" | "complete";
  /**
   * Largest magnitude of a value of an update. Larger values are clamped, and the report counts
   * them.
   *
   * @default {8}
   */
  clip?: number;
  /**
   * Number of samples from which on all clients have the same weight.
   *
   * @default {10_000}
   */
  maxSamples?: number;
  /**
   * Largest number of members of a round. The fewer there are, the finer are the steps to which
   * updates are rounded.
   *
   * @default {1000}
   */
  maxMembers?: number;
  /**
   * Largest loss of a client; a larger one counts as this.
   *
   * @default {64}
   */
  maxLoss?: number;
  /**
   * Members sign their keys, and the list of the updates that have arrived, by the keys with which
   * they join. Clients with a list of the federation's keys want this.
   *
   * @default {false}
   */
  signed?: boolean;
}

/** Defaults of {@linkcode SecureAggregationOptions}. */
export const SECURE_DEFAULTS = {
  minMembers: 5,
  clip: 8,
  maxSamples: 10_000,
  maxMembers: 1000,
} as const;

const PROBLEM = "Cannot make a server";

/** Spellings of the options in a text. */
const NUMBERS = {
  min: "minMembers",
  clip: "clip",
  samples: "maxSamples",
  members: "maxMembers",
  loss: "maxLoss",
  colluding: "colluding",
  dropping: "dropping",
} as const satisfies Record<string, keyof SecureAggregationOptions>;

/** Names of the options that {@linkcode parseSecureAggregation} knows. */
export const SECURE_OPTION_NAMES: readonly string[] = [...Object.keys(NUMBERS), "graph", "signed"];

/**
 * Reads options such as `"min=5,graph=auto,clip=1"`; no text for the defaults.
 *
 * @throws {SyntaxError} If the text cannot be read.
 * @throws {RangeError} If there is no such option, or a value is of the wrong type.
 *
 * @example
 * ```ts
 * import { parseSecureAggregation } from "@fedlab/core/round";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseSecureAggregation("min=10,graph=complete"), {
 *   minMembers: 10,
 *   graph: "complete",
 * });
 * ```
 */
export function parseSecureAggregation(text = ""): SecureAggregationOptions {
  const name = "secure-aggregation";
  const named = readNamedOptions("options", text === "" ? name : `${name}:${text}`);
  checkNamedOptions(named, { numbers: Object.keys(NUMBERS), texts: ["graph", "signed"] });
  const { texts: { graph, signed }, numbers } = named;
  if (graph !== undefined && graph !== "auto" && graph !== "complete") {
    throw new RangeError(`${PROBLEM}: expected graph of auto or complete, got ${graph}`);
  }
  if (signed !== undefined && signed !== "true" && signed !== "false") {
    throw new RangeError(`${PROBLEM}: expected signed of true or false, got ${signed}`);
  }
  const given = Object.entries(NUMBERS).flatMap(([short, long]) =>
    numbers[short] === undefined ? [] : [[long, numbers[short]] as const]
  );
  return {
    ...Object.fromEntries(given),
    ...(graph !== undefined && { graph }),
    ...(signed !== undefined && { signed: signed === "true" }),
  };
}

/**
 * Returns the settings that clients are sent with the plan.
 *
 * @param members Clip of the clients of a private run, with the ring for it, in place of that of
 * the options.
 * @throws {RangeError} If the number of members is out of range, or an option has no effect because
 * the run is private. Other settings are checked with the plan.
 */
export function secureSettings(
  options: SecureAggregationOptions,
  members?: MemberSettings,
): SecureSettings {
  const { clip, maxSamples, maxMembers, minMembers } = { ...SECURE_DEFAULTS, ...options };
  const { maxLoss, signed = false } = options;
  const range = { whole: true, least: 3, most: maxMembers };
  checkInRange(
    minMembers,
    range,
    PROBLEM,
    `secure aggregation of 3 to ${maxMembers} members at least`,
  );
  if (members !== undefined) checkUnclipped(options);
  const { ring, ...clipping } = members ?? {};
  return {
    ...{ clip, maxSamples, maxMembers },
    ...ring,
    ...clipping,
    ...(maxLoss !== undefined && { maxLoss }),
    ...(signed && { signed }),
  };
}

/** Checks that no option is given in whose place a private run has others. */
function checkUnclipped(options: SecureAggregationOptions): void {
  for (const name of ["clip", "maxSamples", "maxLoss"] as const) {
    if (options[name] === undefined) continue;
    throw new RangeError(
      `${PROBLEM}: expected secure aggregation without ${name} in a private run, whose updates count alike up to the clip of its privacy, got ${
        options[name]
      }`,
    );
  }
}
