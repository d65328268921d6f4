/**
 * Policies of client selection by their names.
 *
 * @module
 */

import { checkNamedOptions, readNamedOptions } from "../../base/named_options.ts";
import { AvailabilitySelection } from "./availability.ts";
import { PowerOfChoiceSelection } from "./power_of_choice.ts";
import { RoundRobinSelection } from "./round_robin.ts";
import { SamplesSelection } from "./samples.ts";
import type { ClientSelection } from "./selection.ts";
import { UniformSelection } from "./uniform.ts";

/** How a policy is made, and the options it has. */
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

/** The names that {@linkcode parseSelection} knows. */
export const SELECTION_NAMES: readonly string[] = Object.keys(ENTRIES);

/**
 * Makes a policy of a text such as `"uniform"` or `"power-of-choice:d=20"`; what is left out has the default of its class.
 *
 * Throws a `SyntaxError` for a text that cannot be read, and a `RangeError` for a name or option that there is not, listing those that there
 * are, and for an option out of range.
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
      `Cannot make a selection: expected one of ${SELECTION_NAMES.join(", ")}, got ${named.name}`,
    );
  }
  checkNamedOptions(named, entry);
  return entry.make(named.numbers);
}
