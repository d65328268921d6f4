/**
 * A token that all clients of a server share.
 *
 * @module
 */

const VARIABLE = "FEDLAB_TOKEN";
const LEAST_CHARACTERS = 16;

/**
 * The token, when it is long enough: who hears one proof by it can try tokens without asking the server.
 *
 * Throws a `RangeError` that tells its length alone. `name` says whose it is.
 */
export function checkToken(token: string, name = "the token"): string {
  if (token.length < LEAST_CHARACTERS) {
    throw new RangeError(
      `Cannot use ${name}: expected at least ${LEAST_CHARACTERS} characters, got ${token.length}`,
    );
  }
  return token;
}

/**
 * The token in the environment variable `FEDLAB_TOKEN`; `undefined` when it is not set, or when Deno was not run with
 * `--allow-env=FEDLAB_TOKEN`: it does not ask.
 *
 * Throws a `RangeError` when the token has less than 16 characters.
 */
export function tokenFromEnv(): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: VARIABLE });
  const token = state === "granted" ? Deno.env.get(VARIABLE) : undefined;
  return token === undefined ? undefined : checkToken(token, VARIABLE);
}
