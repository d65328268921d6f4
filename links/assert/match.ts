import { AssertionError } from "./assertion_error.ts";
import { suffix } from "./_format.ts";

/** Asserts that the text `actual` matches the pattern. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(`Expected actual: "${actual}" to match: "${expected}"${suffix(msg)}`);
}
