import { AssertionError } from "./assertion_error.ts";
import { format, suffix } from "./_format.ts";
import { equal } from "./equal.ts";

/** Asserts that `actual` and `expected` differ, deeply; see {@linkcode equal}. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    `Expected actual: ${format(actual)} not to be: ${format(expected)}${suffix(msg)}`,
  );
}
