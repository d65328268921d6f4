import { AssertionError } from "./assertion_error.ts";
import { format, suffix } from "./_format.ts";
import { equal } from "./equal.ts";

/** Something with a length and elements that is not a string. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/** Asserts that each value of `expected` is, by {@linkcode equal}, among those of `actual`. */
export function assertArrayIncludes<T>(
  actual: ArrayLikeArg<T>,
  expected: ArrayLikeArg<T>,
  msg?: string,
): void {
  const there = Array.from(actual);
  const missing = Array.from(expected).filter((item) => !there.some((other) => equal(item, other)));
  if (missing.length === 0) return;
  throw new AssertionError(
    `Expected actual: "${format(actual)}" to include: "${format(expected)}"${suffix(msg)}` +
      `\nmissing: ${format(missing)}`,
  );
}
