import { runtime } from "../../base/runtime/runtime.ts";

/** Creates a session token: 128 random bits, in hexadecimal. */
export function newToken(): string {
  return runtime.random.getRandomValues(new Uint8Array(16)).toHex();
}
