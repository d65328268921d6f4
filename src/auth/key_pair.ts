/**
 * Key pair of a client: generation, writing and reading.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import { replaceTextFile } from "../base/files/whole_file.ts";
import { errorMessage } from "../base/errors.ts";
import { openToOthers, unreadable } from "./key_files.ts";
import { publicKeyBytes } from "./public_key.ts";
import type { Credential } from "./challenge.ts";

const LABEL = "PRIVATE KEY";

/** New Ed25519 key pair. */
export interface KeyPair {
  /** Private key in PKCS#8 PEM. It belongs in the client's key file and nowhere else. */
  readonly privateKeyPem: string;
  /** Public key, 32 bytes in base64url, for the server's list. */
  readonly publicKey: string;
}

/** Generates an Ed25519 key pair. */
export async function generateKeyPair(): Promise<KeyPair> {
  const { privateKey, publicKey } = await runtime.crypto.subtle.generateKey("Ed25519", true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  const pkcs8 = new Uint8Array(await runtime.crypto.subtle.exportKey("pkcs8", privateKey))
    .toBase64();
  const raw = new Uint8Array(await runtime.crypto.subtle.exportKey("raw", publicKey));
  return {
    privateKeyPem: `-----BEGIN ${LABEL}-----\n${pkcs8}\n-----END ${LABEL}-----\n`,
    publicKey: raw.toBase64({ alphabet: "base64url", omitPadding: true }),
  };
}

/**
 * Writes a private key to a new file that only its owner may read (mode 0600).
 *
 * @throws {Error} If the file cannot be written, or exists already; it then stays as it is. The
 * message has one line and names the file.
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
  if (cause instanceof runtime.errors.AlreadyExists) {
    return "there is such a file, and a key that is written over is lost";
  }
  if (cause instanceof runtime.errors.NotFound) return "there is no such folder";
  if (cause instanceof runtime.errors.NotCapable) return `run Deno with --allow-write=${path}`;
  return errorMessage(cause);
}

/** Options of {@linkcode readPrivateKey}. */
export interface ReadPrivateKeyOptions {
  /** Called with a warning of one line when others may read the file. */
  onWarning?: (message: string) => void;
}

/**
 * Reads the credential of a client from a PKCS#8 PEM file. Its key can sign, but cannot be
 * exported.
 *
 * @throws {SyntaxError} If the file has other content. The message names the file.
 * @throws {Error} If the file cannot be read. The message names the file.
 *
 * @example Credential of a client
 * ```ts
 * import { readPrivateKey } from "@fedlab/core";
 * import { generateKeyPair, writePrivateKey } from "@fedlab/core/auth";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const { privateKeyPem } = await generateKeyPair();
 * await writePrivateKey(`${folder}/client.key`, privateKeyPem);
 *
 * // The option `credential` of a client topology.
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
    text = await runtime.files.readTextFile(path);
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
    extractable = await runtime.crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  } catch {
    // Without the cause: no part of a key may get into an error.
    throw notAKey(path, "a private key of another kind, or a broken one");
  }
  const { x: publicKey } = await runtime.crypto.subtle.exportKey("jwk", extractable);
  if (publicKey === undefined) throw notAKey(path, "a private key without its public one");
  publicKeyBytes(publicKey);
  const privateKey = await runtime.crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, [
    "sign",
  ]);
  return { kind: "key", privateKey, publicKey };
}

function notAKey(path: string, got: string): SyntaxError {
  return new SyntaxError(
    `Cannot read the private key in ${path}: expected an Ed25519 key in PKCS#8 PEM, got ${got}`,
  );
}
