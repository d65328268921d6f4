/**
 * Recipes of generated data in schemas.
 *
 * @module
 */

import { v } from "../../plan/deps.ts";
import { shownName } from "./names.ts";

/** Most settings of a generator. */
const MAX_SETTINGS = 16;

/**
 * Generator of data that are drawn, not read, with all that decides what a row of a class looks
 * like. The number of rows is not part of it.
 */
export interface DataGenerator {
  /** Name of the generator, such as `"gaussian-classes"`. */
  readonly name: string;
  /** Settings by name, such as the seed and the number of classes. */
  readonly settings: Readonly<Record<string, number>>;
}

const shortName = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,63}$/));

/** Reader of a generator from a foreign source. */
export const generatorReader = v.strictObject({
  name: shortName,
  settings: v.pipe(
    v.record(shortName, v.pipe(v.number(), v.finite())),
    v.check(
      (settings) => Object.keys(settings).length <= MAX_SETTINGS,
      `expected at most ${MAX_SETTINGS} settings`,
    ),
  ),
});

/**
 * Compares the generators of two inputs. Returns the first difference in words, or `undefined` if
 * both have the same generator, or none.
 */
export function compareGenerators(
  of: string,
  expected: DataGenerator | undefined,
  got: DataGenerator | undefined,
): string | undefined {
  if (expected?.name !== got?.name) {
    const words = (one: DataGenerator | undefined) => one ? shownName(one.name) : "none";
    return `expected the generator ${words(expected)} of ${shownName(of)}, got ${words(got)}`;
  }
  const [ours, theirs] = [expected?.settings ?? {}, got?.settings ?? {}];
  for (const name of Object.keys({ ...ours, ...theirs }).sort()) {
    const [a, b] = [ours[name], theirs[name]];
    if (a === b) continue;
    return `expected the setting ${shownName(name)} ${a ?? "none"} of the generator ${
      shownName(expected?.name ?? "")
    }, got ${b ?? "none"}`;
  }
  return undefined;
}
