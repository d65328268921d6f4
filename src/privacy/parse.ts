/**
 * Private runs by name.
 *
 * @module
 */

import { didYouMean } from "../base/did_you_mean.ts";
import { checkNamedOptions, readNamedOptions } from "../base/named_options.ts";
import type { DistributedPrivacyOptions } from "./distributed/distributed_privacy.ts";
import type { CentralPrivacyOptions } from "./options.ts";

/** Options of `CentralPrivacy` that a text gives; the plan of the run gives the others. */
export type PrivacyChoice = Omit<CentralPrivacyOptions, "rounds" | "clients" | "cohort" | "then">;

/** Options of `DistributedPrivacy` that a text gives. */
export interface DistributedChoice
  extends Pick<DistributedPrivacyOptions, "epsilon" | "noise" | "delta" | "clip"> {
  /** Mechanism: the clients add the noise. */
  readonly mechanism: "distributed";
}

const COMMON = ["epsilon", "noise", "delta", "clip", "noiseSeed"];
const ADAPTIVE = ["quantile", "adaptiveRate"];

/** Names of the mechanisms, with the options of each. */
const MECHANISMS = {
  ftrl: [...COMMON, "bands"],
  fedavg: [...COMMON, ...ADAPTIVE],
} as const;

/** Names that {@linkcode parsePrivacy} knows. */
export const PRIVACY_NAMES: readonly string[] = Object.keys(MECHANISMS);

/**
 * Reads a text such as `"ftrl:epsilon=8,delta=1e-5"` or `"fedavg:noise=1,delta=1e-5,clip=0.1"`.
 * With a `quantile` the clip adapts to it.
 *
 * @throws {SyntaxError} If the text cannot be read.
 * @throws {RangeError} If there is no such mechanism or option, a value is no number, or δ is
 * missing.
 *
 * @example
 * ```ts
 * import { parsePrivacy } from "@fedlab/core/privacy";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parsePrivacy("ftrl:epsilon=8,delta=1e-5").mechanism, "ftrl");
 * ```
 */
export function parsePrivacy(text: string): PrivacyChoice {
  const named = readNamedOptions("privacy", text);
  const { name, numbers } = named;
  if (name !== "ftrl" && name !== "fedavg") {
    throw new RangeError(
      `Cannot make a private run: expected one of ${PRIVACY_NAMES.join(", ")}, got ${name}${
        didYouMean(name, PRIVACY_NAMES)
      }`,
    );
  }
  checkNamedOptions(named, { numbers: MECHANISMS[name] });
  const { delta = missingDelta(), quantile, adaptiveRate, ...rest } = numbers;
  const isAdaptive = quantile !== undefined || adaptiveRate !== undefined;
  return {
    mechanism: name,
    delta,
    ...rest,
    ...(isAdaptive && {
      adaptive: {
        ...(quantile !== undefined && { quantile }),
        ...(adaptiveRate !== undefined && { learningRate: adaptiveRate }),
      },
    }),
  };
}

/**
 * Reads what {@linkcode parsePrivacy} reads, and options of `DistributedPrivacy` such as
 * `"distributed:epsilon=8,delta=1e-5"`. The errors are the same.
 */
export function parsePrivateRun(text: string): PrivacyChoice | DistributedChoice {
  const named = readNamedOptions("privacy", text), { name } = named;
  if (PRIVACY_NAMES.includes(name)) return parsePrivacy(text);
  if (name !== "distributed") {
    const names = [...PRIVACY_NAMES, "distributed"];
    throw new RangeError(
      `Cannot make a private run: expected one of ${names.join(", ")}, got ${name}${
        didYouMean(name, names)
      }`,
    );
  }
  checkNamedOptions(named, { numbers: ["epsilon", "noise", "delta", "clip"] });
  const { delta = missingDelta(), ...rest } = named.numbers;
  return { mechanism: "distributed", delta, ...rest };
}

function missingDelta(): never {
  throw new RangeError(
    "Cannot make a private run: expected delta beside epsilon, such as delta=1e-5, got none",
  );
}
