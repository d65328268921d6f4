import { runtime } from "../base/runtime/runtime.ts";

const KEY_BYTES = 32;

/**
 * Points of Curve25519 whose order divides 8, in every encoding that decoders accept, without the
 * sign bit. With the sign bit they are the fourteen that libsodium's `ge25519_has_small_order`
 * refuses. Under such a key one signature is valid for many messages, or for all (Chalkias et al.
 * 2020, "Taming the Many EdDSAs", table 1).
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/**
 * Decodes an Ed25519 public key, 32 bytes in base64url without padding. Of the encodings of a key
 * only one is accepted: a second one would pass for a second client.
 *
 * @throws {SyntaxError} If the text is no public key. The message does not show the text.
 */
export function publicKeyBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = decodeKey(text);
  if (bytes === undefined) {
    throw new SyntaxError(
      `expected a public key of 43 characters in base64url, got ${text.length} characters that are none`,
    );
  }
  const y = bytes.slice();
  y[KEY_BYTES - 1] = (y[KEY_BYTES - 1] ?? 0) & 0x7f;
  if (SMALL_ORDER.has(y.toHex())) {
    throw new SyntaxError(
      "expected a public key, got a point of small order, whose signatures anybody can make",
    );
  }
  if (isPastPrime(y)) {
    throw new SyntaxError("expected a public key, got a number that is no element of its field");
  }
  return bytes;
}

function decodeKey(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    const isCanonical = bytes.toBase64({ alphabet: "base64url", omitPadding: true }) === text;
    return bytes.length === KEY_BYTES && isCanonical ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns true if 255 bits, little-endian, are 2^255 - 19 or more: such a number encodes the same
 * field element as a smaller one.
 */
function isPastPrime(y: Uint8Array): boolean {
  return (y[0] ?? 0) >= 0xed && y[KEY_BYTES - 1] === 0x7f &&
    y.subarray(1, KEY_BYTES - 1).every((byte) => byte === 0xff);
}

/**
 * Computes the fingerprint by which people compare keys: `SHA256:` and the SHA-256 of the key's 32
 * bytes, in base64 without padding.
 *
 * @throws {SyntaxError} If the text is no public key.
 */
export async function fingerprintOf(publicKey: string): Promise<string> {
  const digest = await runtime.crypto.subtle.digest("SHA-256", publicKeyBytes(publicKey));
  return `SHA256:${new Uint8Array(digest).toBase64({ omitPadding: true })}`;
}
