/**
 * Digests of bytes and of texts.
 *
 * @module
 */

import type { Hash } from "node:crypto";
import { runtime } from "./runtime/runtime.ts";

/** Bytes from which a digest is made of pieces: WebCrypto copies what it is given. */
const LARGE_BYTES = 2 ** 24;
const PIECE_BYTES = 2 ** 20;

/** Returns the SHA-256 of bytes as 64 hexadecimal digits. */
export async function sha256Hex(bytes: ArrayBufferView<ArrayBuffer>): Promise<string> {
  if (bytes.byteLength > LARGE_BYTES) {
    const digest = await digester("sha256").catch(() => undefined);
    if (digest !== undefined) return addPieces(digest, bytes).digest("hex");
  }
  return new Uint8Array(await runtime.crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Adds bytes to a digest piece by piece, of which alone there are copies, and returns it. */
export function addPieces(digest: Hash, bytes: ArrayBufferView): Hash {
  const { buffer, byteOffset, byteLength } = bytes;
  for (let at = 0; at < byteLength; at += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, byteLength - at);
    digest.update(new Uint8Array(buffer, byteOffset + at, length));
  }
  return digest;
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
