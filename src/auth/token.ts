/**
 * Token that all clients of a server share.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import { guessBits } from "./guess_bits.ts";

const VARIABLE = "FEDLAB_TOKEN";
const LEAST_CHARACTERS = 16;
const LEAST_DISTINCT = 8;
/**
 * About the entropy of ten random digits and letters. An eavesdropper who has a proof can try
 * billions of tokens per second.
 */
const LEAST_BITS = 50;
const ADVICE = "make one with openssl rand -hex 16";

/**
 * Gives the token if it is long and random enough. An eavesdropper who has one proof can try tokens
 * without asking the server.
 *
 * @param name Name of the token in messages.
 * @throws {RangeError} If the token is too short or can be guessed. The message shows none of it.
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
 * Reads the token from the environment variable `FEDLAB_TOKEN`. Gives `undefined` when it is not
 * set, or when Deno does not run with `--allow-env=FEDLAB_TOKEN`; it does not prompt.
 *
 * @throws {RangeError} If the token has fewer than 16 characters, or can be guessed.
 */
export function tokenFromEnv(): string | undefined {
  const { state } = runtime.process.permissions.querySync({ name: "env", variable: VARIABLE });
  const token = state === "granted" ? runtime.process.env.get(VARIABLE) : undefined;
  return token === undefined ? undefined : checkToken(token, VARIABLE);
}
