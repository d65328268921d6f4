import { AssertionError } from "./assertion_error.ts";
import { suffix } from "./_format.ts";
import { assertIsError } from "./is_error.ts";

/** Any error class, abstract ones too. */
// deno-lint-ignore no-explicit-any
export type ErrorConstructorOf<E extends Error> = abstract new (...args: any[]) => E;

/** What the overloads of `assertThrows()` and `assertRejects()` ask of an error. */
export interface Expectation<E extends Error> {
  readonly errorClass: ErrorConstructorOf<E> | undefined;
  readonly includes: string | undefined;
  readonly msg: string | undefined;
}

/** Sorts the optional arguments, which begin with a class or with the caller's message. */
export function expectation<E extends Error>(
  errorClassOrMsg: ErrorConstructorOf<E> | string | undefined,
  msgIncludes: string | undefined,
  msg: string | undefined,
): Expectation<E> {
  return typeof errorClassOrMsg === "string"
    ? { errorClass: undefined, includes: undefined, msg: errorClassOrMsg }
    : { errorClass: errorClassOrMsg, includes: msgIncludes, msg };
}

/** Checks what was thrown and gives it back. */
export function check<E extends Error>(
  error: unknown,
  expected: Expectation<E>,
  verb: "thrown" | "rejected",
): unknown {
  if (expected.errorClass === undefined) return error;
  if (!(error instanceof Error)) {
    throw new AssertionError(`A non-Error object was ${verb}${suffix(expected.msg)}`);
  }
  assertIsError(error, expected.errorClass, expected.includes, expected.msg);
  return error;
}
