/**
 * A client's key: made, written to a file, read again.
 *
 * @module
 */

import { replaceTextFile } from "../base/files/whole_file.ts";
import { errorMessage } from "../base/errors.ts";
import { openToOthers } from "./key_files.ts";
import { publicKeyBytes } from "./public_key.ts";
import type { Credential } from "./challenge.ts";

const LABEL = "PRIVATE KEY";

/** A new Ed25519 key. */
export interface KeyPair {
  /** The private key in PKCS#8 PEM, for the client's key file alone. */
  readonly privateKeyPem: string;
  /** The public key, 32 bytes in base64url, for the server's list. */
  readonly publicKey: string;
}

/** Makes a key. */
export async function generateKeyPair(): Promise<KeyPair> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey("Ed25519", true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey)).toBase64();
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
  return {
    privateKeyPem: `-----BEGIN ${LABEL}-----\n${pkcs8}\n-----END ${LABEL}-----\n`,
    publicKey: raw.toBase64({ alphabet: "base64url", omitPadding: true }),
  };
}

/**
 * Writes a private key to a new file that its owner alone may read (mode 0600).
 *
 * Rejects with a one-line error that names the file; one that exists stays as it is.
 */
export async function writePrivateKey(path: string, privateKeyPem: string): Promise<void> {
  try {
    await replaceTextFile(path, privateKeyPem, { createNew: true, mode: 0o600 });
  } catch (cause) {
    throw new Error(`Cannot write the private key to ${path}: ${whyNotWritten(path, cause)}`, {
      cause,
    });
  }
}

function whyNotWritten(path: string, cause: unknown): string {
  if (cause instanceof Deno.errors.AlreadyExists) {
    return "there is such a file, and a key that is written over is lost";
  }
  if (cause instanceof Deno.errors.NotFound) return "there is no such folder";
  if (cause instanceof Deno.errors.NotCapable) return `run Deno with --allow-write=${path}`;
  return errorMessage(cause);
}

/** How a private key is read. */
export interface ReadPrivateKeyOptions {
  /** Told, in one line, that others may read the file. */
  onWarning?: (message: string) => void;
}

/**
 * Reads a client's credential from a PKCS#8 PEM file. The key that it holds can sign, and cannot be exported.
 *
 * Rejects with a `SyntaxError` for another content, and with an `Error` for a file that cannot be read; both name the file.
 *
 * @example What a client proves by which it is
 * ```ts
 * import { generateKeyPair, readPrivateKey, writePrivateKey } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const { privateKeyPem } = await generateKeyPair();
 * await writePrivateKey(`${folder}/client.key`, privateKeyPem);
 *
 * // The option of that name of a client topology.
 * const credential = await readPrivateKey(`${folder}/client.key`);
 * assertEquals(credential.kind, "key");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function readPrivateKey(
  path: string,
  options: ReadPrivateKeyOptions = {},
): Promise<Extract<Credential, { kind: "key" }>> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
    const warning = await openToOthers("private key", path);
    if (warning !== undefined) options.onWarning?.(warning);
  } catch (cause) {
    throw unreadable("private key", path, cause);
  }
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----\s*$/m.exec(text)?.[1];
  const inside = /^-----BEGIN PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+?)\s+-----END PRIVATE KEY-----/m
    .exec(text)?.[1];
  if (inside === undefined) {
    throw notAKey(path, label === undefined || label === LABEL ? "something else" : label);
  }
  let extractable: CryptoKey, pkcs8: Uint8Array<ArrayBuffer>;
  try {
    pkcs8 = Uint8Array.fromBase64(inside);
    extractable = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  } catch {
    // Without its cause: no part of a key gets into an error.
    throw notAKey(path, "a private key of another kind, or a broken one");
  }
  const { x: publicKey } = await crypto.subtle.exportKey("jwk", extractable);
  if (publicKey === undefined) throw notAKey(path, "a private key without its public one");
  publicKeyBytes(publicKey);
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  return { kind: "key", privateKey, publicKey };
}

function notAKey(path: string, got: string): SyntaxError {
  return new SyntaxError(
    `Cannot read the private key in ${path}: expected an Ed25519 key in PKCS#8 PEM, got ${got}`,
  );
}

/** What is to be said of a file that cannot be read. */
export function unreadable(what: string, path: string, cause: unknown): Error {
  const why = cause instanceof Deno.errors.NotFound
    ? "there is no such file"
    : cause instanceof Deno.errors.NotCapable
    ? `run Deno with --allow-read=${path}`
    : errorMessage(cause);
  return new Error(`Cannot read the ${what} in ${path}: ${why}`, { cause });
}
