import type { AuthMethod, ChallengePayload } from "../wire/messages.ts";

const CONTEXT = "fedlab-auth-v1";

/**
 * What is signed: context, method, nonce, server and run, each after its length in 4 bytes, little-endian. The lengths keep apart what would be
 * one text when joined; the context keeps a signature made here from standing for anything else that the key may sign.
 */
export function signedBytes(
  method: AuthMethod,
  { nonce, server, run }: ChallengePayload,
): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const parts = [
    encoder.encode(CONTEXT),
    encoder.encode(method),
    Uint8Array.fromHex(nonce),
    encoder.encode(server),
    encoder.encode(run),
  ];
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + 4 + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  }
  return bytes;
}
