/**
 * Digests of bytes and of texts.
 *
 * @module
 */

import type { Hash } from "node:crypto";
import { runtime } from "./runtime/runtime.ts";

/** Returns the SHA-256 of bytes as 64 hexadecimal digits. */
export async function sha256Hex(bytes: ArrayBufferView<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await runtime.crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Returns a digest that takes its bytes in pieces. Not in browsers. */
export async function digester(algorithm: "sha256" | "md5"): Promise<Hash> {
  return (await digesters(algorithm))();
}

/** Returns a function that makes digests which take their bytes in pieces. Not in browsers. */
export async function digesters(algorithm: "sha256" | "md5"): Promise<() => Hash> {
  // Only when it is needed: a browser has no such module.
  const { createHash } = await import("node:crypto");
  return () => createHash(algorithm);
}

/** Returns the FNV-1a hash of a text, an integer of 32 bits. */
export function hashText(text: string): number {
  let hash = 0x811C9DC5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
