/**
 * Access control for viewing a run that has a token: viewers send the token's read key, with which
 * no client can join.
 *
 *     Authorization: Bearer SHA-256, in hexadecimal, of "fedlab.read:" and the token
 */

/** Prefix of the token in the digest; the digest of the token alone may be known from elsewhere. */
export const READ_PREFIX = "fedlab.read:";

/** Returns true if a request may read the run. Without a token every request may. */
export async function mayRead(request: Request, token: string | undefined): Promise<boolean> {
  if (!token) return true;
  const expected = hex(await digest(READ_PREFIX + token));
  const given = request.headers.get("authorization") ?? "";
  // Digests are compared as a whole, so that the time taken does not reveal where they differ.
  const [a, b] = [await digest(`Bearer ${expected}`), await digest(given)];
  return a.reduce((difference, byte, i) => difference | (byte ^ (b[i] ?? 0)), 0) === 0;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
