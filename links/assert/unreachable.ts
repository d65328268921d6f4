import { AssertionError } from "./assertion_error.ts";
import { suffix } from "./_format.ts";

/** Fails always: for code that must not be reached. */
export function unreachable(msg?: string): never {
  throw new AssertionError(`Unreachable${suffix(msg)}`);
}
