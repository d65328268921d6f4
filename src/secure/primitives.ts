/**
 * Primitives of secure aggregation, all of WebCrypto: X25519, HKDF-SHA-256, AES-256-GCM, SHA-256
 * and Ed25519.
 *
 * @module
 */

import { concat } from "../base/bytes.ts";
import { runtime } from "../base/runtime/runtime.ts";

/** Bytes of memory of its own, as WebCrypto takes them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Length of a key, of a seed and of a digest in bytes. */
export const KEY_BYTES = 32;
/** Length of a signature in bytes. */
export const SIGNATURE_BYTES = 64;
const NONCE_BYTES = 12;
/** Length of what sealing adds to a text: the nonce, and the tag. */
export const SEAL_BYTES = NONCE_BYTES + 16;

/** PKCS#8 of an X25519 private key up to its 32 bytes (RFC 8410). */
const PKCS8_PREFIX: Bytes = Uint8Array.fromHex("302e020100300506032b656e04220420");

/** Uses of private keys of X25519, of material of HKDF, and of keys of AES-GCM. */
const AGREES: KeyUsage[] = ["deriveKey"];
const DERIVES: KeyUsage[] = ["deriveBits", "deriveKey"];
const SEALS: KeyUsage[] = ["encrypt", "decrypt"];

/** Key pair of X25519. */
export interface AgreementPair {
  /** Private key. */
  readonly privateKey: CryptoKey;
  /** Public key, 32 bytes. */
  readonly publicKey: Bytes;
}

/** Draws bytes that cannot be predicted. */
export function randomBytes(length: number): Bytes {
  return runtime.random.getRandomValues(new Uint8Array(length));
}

/** Computes SHA-256 of parts, one after another. */
export async function sha256(...parts: readonly Bytes[]): Promise<Bytes> {
  const [first = new Uint8Array(), ...others] = parts;
  const text = others.length === 0 ? first : concat(parts);
  return new Uint8Array(await runtime.crypto.subtle.digest("SHA-256", text));
}

/**
 * Generates a key pair of X25519.
 *
 * @param isShared True if the private key is to be cut into shares: then it can be exported.
 * @throws {Error} If this browser has no X25519.
 */
export async function generateAgreementPair(isShared: boolean): Promise<AgreementPair> {
  let pair: CryptoKeyPair;
  try {
    pair = await runtime.crypto.subtle.generateKey("X25519", isShared, AGREES) as CryptoKeyPair;
  } catch (cause) {
    throw new Error("Cannot make keys for secure aggregation: WebCrypto here has no X25519", {
      cause,
    });
  }
  const raw = await runtime.crypto.subtle.exportKey("raw", pair.publicKey);
  return { privateKey: pair.privateKey, publicKey: new Uint8Array(raw) };
}

/** Returns the 32 bytes of a private key of X25519. */
export async function privateBytes(key: CryptoKey): Promise<Bytes> {
  const pkcs8 = new Uint8Array(await runtime.crypto.subtle.exportKey("pkcs8", key));
  const bytes = pkcs8.slice(-KEY_BYTES);
  pkcs8.fill(0);
  return bytes;
}

/** Rebuilds a key pair from the 32 bytes of its private key. */
export async function pairOf(bytes: Uint8Array): Promise<AgreementPair> {
  const pkcs8 = concat([PKCS8_PREFIX, bytes]);
  const { subtle } = runtime.crypto;
  const privateKey = await subtle.importKey("pkcs8", pkcs8, "X25519", true, AGREES);
  pkcs8.fill(0);
  const { x = "" } = await subtle.exportKey("jwk", privateKey);
  return { privateKey, publicKey: Uint8Array.fromBase64(x, { alphabet: "base64url" }) };
}

/**
 * Agrees on a secret with the owner of a public key.
 *
 * @throws {DOMException} If the point of the public key has a low order.
 */
export async function agree(privateKey: CryptoKey, publicKey: Bytes): Promise<CryptoKey> {
  const { subtle } = runtime.crypto;
  const other = await subtle.importKey("raw", publicKey, "X25519", false, []);
  const algorithm = { name: "X25519", public: other };
  return await subtle.deriveKey(algorithm, privateKey, "HKDF", false, DERIVES);
}

/** Makes bytes the material that {@linkcode derive} and {@linkcode boxKey} take. */
export async function keyMaterial(bytes: Bytes): Promise<CryptoKey> {
  return await runtime.crypto.subtle.importKey("raw", bytes, "HKDF", false, DERIVES);
}

/** Derives 32 bytes by HKDF-SHA-256 (RFC 5869). */
export async function derive(material: CryptoKey, salt: Bytes, info: Bytes): Promise<Bytes> {
  const algorithm = { name: "HKDF", hash: "SHA-256", salt, info };
  return new Uint8Array(
    await runtime.crypto.subtle.deriveBits(algorithm, material, 8 * KEY_BYTES),
  );
}

/** Derives a key of AES-256-GCM by HKDF-SHA-256. */
export async function boxKey(material: CryptoKey, salt: Bytes, info: Bytes): Promise<CryptoKey> {
  const algorithm = { name: "HKDF", hash: "SHA-256", salt, info };
  const type = { name: "AES-GCM", length: 8 * KEY_BYTES };
  return await runtime.crypto.subtle.deriveKey(algorithm, material, type, false, SEALS);
}

/** Seals a text by AES-256-GCM under a new nonce, which comes first. */
export async function seal(key: CryptoKey, text: Bytes, about: Bytes): Promise<Bytes> {
  const nonce = randomBytes(NONCE_BYTES);
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: about };
  return concat([nonce, new Uint8Array(await runtime.crypto.subtle.encrypt(algorithm, key, text))]);
}

/** Opens what {@linkcode seal} made; `undefined` where key, text or `about` is another one. */
export async function open(
  key: CryptoKey,
  box: Bytes,
  about: Bytes,
): Promise<Bytes | undefined> {
  const { subtle } = runtime.crypto, iv = box.slice(0, NONCE_BYTES);
  try {
    const algorithm = { name: "AES-GCM", iv, additionalData: about };
    return new Uint8Array(await subtle.decrypt(algorithm, key, box.slice(NONCE_BYTES)));
  } catch {
    return undefined;
  }
}

/** Signs a text by Ed25519. */
export async function sign(privateKey: CryptoKey, text: Bytes): Promise<Bytes> {
  return new Uint8Array(await runtime.crypto.subtle.sign("Ed25519", privateKey, text));
}

/** Returns true if an Ed25519 signature of a text is that of the owner of a public key. */
export async function verify(publicKey: Bytes, signature: Bytes, text: Bytes): Promise<boolean> {
  const { subtle } = runtime.crypto;
  try {
    const key = await subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
    return await subtle.verify("Ed25519", key, signature, text);
  } catch {
    return false;
  }
}

/** Returns true if two keys or digests are equal. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
