/**
 * Client selection policies by name.
 *
 * @module
 */

import { didYouMean } from "../../base/did_you_mean.ts";
import { checkNamedOptions, readNamedOptions } from "../../base/named_options.ts";
import { AvailabilitySelection } from "./availability.ts";
import { PowerOfChoiceSelection } from "./power_of_choice.ts";
import { RoundRobinSelection } from "./round_robin.ts";
import { SamplesSelection } from "./samples.ts";
import type { ClientSelection } from "./selection.ts";
import { UniformSelection } from "./uniform.ts";

/** Policy with the names of its options. */
interface Entry {
  readonly numbers: readonly string[];
  make(options: Readonly<Record<string, number>>): ClientSelection;
}

const ENTRIES: Readonly<Record<string, Entry>> = {
  "uniform": { numbers: [], make: () => new UniformSelection() },
  "samples": { numbers: [], make: () => new SamplesSelection() },
  "round-robin": { numbers: [], make: () => new RoundRobinSelection() },
  "power-of-choice": {
    numbers: ["d"],
    make: (options) => new PowerOfChoiceSelection(options),
  },
  "availability": {
    numbers: ["floor"],
    make: (options) => new AvailabilitySelection(options),
  },
};

/** Names of the policies that {@linkcode parseSelection} knows. */
export const SELECTION_NAMES: readonly string[] = Object.keys(ENTRIES);

/**
 * Makes a policy from a text such as `"uniform"` or `"power-of-choice:d=20"`. Options that are left
 * out have the defaults of the policy's class.
 *
 * @throws {SyntaxError} If the text cannot be parsed.
 * @throws {RangeError} If there is no such policy or option, or an option is out of range.
 *
 * @example
 * ```ts
 * import { parseSelection } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseSelection("power-of-choice:d=20").name, "power-of-choice");
 * ```
 */
export function parseSelection(text: string): ClientSelection {
  const named = readNamedOptions("selection", text);
  const entry = Object.hasOwn(ENTRIES, named.name) ? ENTRIES[named.name] : undefined;
  if (entry === undefined) {
    throw new RangeError(
      `Cannot make a selection: expected one of ${SELECTION_NAMES.join(", ")}, got ${named.name}${
        didYouMean(named.name, SELECTION_NAMES)
      }`,
    );
  }
  checkNamedOptions(named, entry);
  return entry.make(named.numbers);
}
