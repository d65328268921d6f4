/**
 * Privacy of clients by name.
 *
 * @module
 */

import { didYouMean } from "../../base/did_you_mean.ts";
import { checkNamedOptions, readNamedOptions } from "../../base/named_options.ts";
import { checkClientPrivacy, type ClientPrivacyOptions } from "./options.ts";

/** Privacy that a client gives its own data, as a text names it. */
export interface ClientPrivacyChoice extends Omit<ClientPrivacyOptions, "store"> {
  /** Mechanism: DP-SGD for single records, or noise on the update for the client. */
  readonly kind: "record" | "local";
}

const OPTIONS = ["epsilon", "noise", "delta", "clip", "rounds", "noiseSeed"];

/** Names that {@linkcode parseClientPrivacy} knows. */
export const CLIENT_PRIVACY_NAMES: readonly ClientPrivacyChoice["kind"][] = ["record", "local"];

/**
 * Reads a text such as `"record:epsilon=8,delta=1e-5,clip=1"` or
 * `"local:epsilon=8,delta=1e-5,clip=0.1"`.
 *
 * @throws {SyntaxError} If the text cannot be read.
 * @throws {RangeError} If there is no such mechanism or option, or a value is missing or out of
 * range.
 *
 * @example
 * ```ts
 * import { parseClientPrivacy } from "@fedlab/core/privacy";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseClientPrivacy("record:noise=1,delta=1e-5,clip=1").kind, "record");
 * ```
 */
export function parseClientPrivacy(text: string): ClientPrivacyChoice {
  const named = readNamedOptions("privacy", text);
  const kind = CLIENT_PRIVACY_NAMES.find((kind) => kind === named.name);
  if (kind === undefined) {
    throw new RangeError(
      `Cannot keep the client's data private: expected one of ${
        CLIENT_PRIVACY_NAMES.join(", ")
      }, got ${named.name}${didYouMean(named.name, CLIENT_PRIVACY_NAMES)}`,
    );
  }
  checkNamedOptions(named, { numbers: OPTIONS });
  const { delta, clip, ...rest } = named.numbers;
  if (delta === undefined) throw missing("delta beside epsilon, such as delta=1e-5");
  if (clip === undefined) throw missing("a clip, such as clip=1");
  const choice = { kind, delta, clip, ...rest };
  checkClientPrivacy(choice);
  return choice;
}

function missing(expected: string): RangeError {
  return new RangeError(`Cannot keep the client's data private: expected ${expected}, got none`);
}
