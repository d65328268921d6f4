/**
 * A token that all clients of a server share.
 *
 * @module
 */

import { guessBits } from "./guess_bits.ts";

const VARIABLE = "FEDLAB_TOKEN";
const LEAST_CHARACTERS = 16;
const LEAST_DISTINCT = 8;
/**
 * About what ten random digits and letters have: whoever hears a proof can try billions of tokens a
 * second.
 */
const LEAST_BITS = 50;
const ADVICE = "make one with openssl rand -hex 16";

/**
 * The token, when it is long and random enough: who hears one proof by it can try tokens without
 * asking the server.
 *
 * Throws a `RangeError` that tells its length and no more of it. `name` says whose it is.
 */
export function checkToken(token: string, name = "the token"): string {
  if (token.length < LEAST_CHARACTERS) {
    throw new RangeError(
      `Cannot use ${name}: expected at least ${LEAST_CHARACTERS} characters, got ${token.length}; ${ADVICE}`,
    );
  }
  const distinct = new Set(token).size;
  if (distinct < LEAST_DISTINCT) {
    throw new RangeError(
      `Cannot use ${name}: expected at least ${LEAST_DISTINCT} different characters, got ${distinct}; ${ADVICE}`,
    );
  }
  if (guessBits(token) < LEAST_BITS) {
    throw new RangeError(
      `Cannot use ${name}: expected a random text, got one of words, rows or repetitions that is soon guessed; ${ADVICE}`,
    );
  }
  return token;
}

/**
 * The token in the environment variable `FEDLAB_TOKEN`; `undefined` when it is not set, or when Deno was not run with
 * `--allow-env=FEDLAB_TOKEN`: it does not ask.
 *
 * Throws a `RangeError` when the token has less than 16 characters, or can be guessed.
 */
export function tokenFromEnv(): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: VARIABLE });
  const token = state === "granted" ? Deno.env.get(VARIABLE) : undefined;
  return token === undefined ? undefined : checkToken(token, VARIABLE);
}
