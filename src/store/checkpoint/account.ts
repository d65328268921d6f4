import { sha256Hex } from "../../base/hash.ts";
import { isRecord } from "../../base/json.ts";

/**
 * Encodes an account with its digest, as JSON.
 *
 * @throws {TypeError} If it cannot be written as JSON.
 */
export async function encodeAccount(account: unknown): Promise<Uint8Array<ArrayBuffer>> {
  const text = JSON.stringify(account);
  if (text === undefined) {
    throw new TypeError(
      `Cannot save a checkpoint: expected an account that can be written as JSON, got ${account}`,
    );
  }
  const digest = await sha256Hex(new TextEncoder().encode(text));
  return new TextEncoder().encode(`{"sha256":"${digest}","account":${text}}\n`);
}

/**
 * Decodes an account.
 *
 * @param where Name of the account, for messages.
 * @throws {SyntaxError} If it is not whole. A run must not go on without it: it would tell again
 * what its account lacks.
 */
export async function decodeAccount(
  bytes: Uint8Array<ArrayBuffer>,
  where: string,
): Promise<unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch { /* the same error as for another text */ }
  if (isRecord(value) && "account" in value) {
    const { account, sha256 } = value;
    const text = new TextEncoder().encode(JSON.stringify(account));
    if (await sha256Hex(text) === sha256) return account;
  }
  throw new SyntaxError(`expected the account that was written in ${where}, got a damaged one`);
}
