import { AssertionError } from "./assertion_error.ts";
import { format, suffix } from "./_format.ts";

/** Asserts that `actual` and `expected` are not the same value by `Object.is`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!Object.is(actual, expected)) return;
  throw new AssertionError(
    `Expected "actual" to not be strictly equal to: ${format(actual)}${suffix(msg)}`,
  );
}
