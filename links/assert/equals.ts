import { AssertionError } from "./assertion_error.ts";
import { difference } from "./_difference.ts";
import { suffix } from "./_format.ts";
import { equal } from "./equal.ts";

/** Asserts that `actual` and `expected` are equal, deeply; see {@linkcode equal}. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(
    `Values are not equal${suffix(msg)}\n${difference(actual, expected)}`,
  );
}
