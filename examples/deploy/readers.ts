/**
 * Who may look at a run that has a token: whoever sends the token's key for reading. It does for reading alone: no client can join with it.
 *
 *     Authorization: Bearer SHA-256, in hexadecimal, of "fedlab.read:" and the token
 */

/** What stands before the token: its bare digest may be known from elsewhere. */
export const READ_PREFIX = "fedlab.read:";

/** Whether a request may read; everyone may where there is no token. */
export async function mayRead(request: Request, token: string | undefined): Promise<boolean> {
  if (!token) return true;
  const expected = hex(await digest(READ_PREFIX + token));
  const given = request.headers.get("authorization") ?? "";
  // Digests of both are compared, whole: how long that takes tells nothing of where they differ.
  const [a, b] = [await digest(`Bearer ${expected}`), await digest(given)];
  return a.reduce((difference, byte, i) => difference | (byte ^ (b[i] ?? 0)), 0) === 0;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
