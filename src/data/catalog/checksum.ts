/**
 * Checksums of files.
 *
 * @module
 */

import { digester } from "../../base/hash.ts";
import { openFile } from "../file.ts";
import type { Checksum } from "./named.ts";

/** Computes the digest of bytes or of a stream: an archive need not fit in memory. */
export async function digestOf(
  source: Uint8Array | ReadableStream<Uint8Array>,
  algorithm: Checksum["algorithm"],
): Promise<string> {
  const hash = await digester(algorithm);
  if (source instanceof Uint8Array) hash.update(source);
  else for await (const chunk of source) hash.update(chunk);
  return hash.digest("hex");
}

/** Computes the digest of a file. */
export async function fileDigest(path: string, algorithm: Checksum["algorithm"]): Promise<string> {
  const { file } = await openFile(path);
  return await digestOf(file.readable, algorithm);
}

/** Describes a wrong checksum for a message. */
export function checksumFault({ algorithm, hex }: Checksum, got: string): string {
  const name = algorithm === "md5" ? "MD5" : "SHA-256";
  return `expected ${name} ${hex}, got ${got}`;
}
