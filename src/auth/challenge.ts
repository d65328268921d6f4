/**
 * Challenge and response: a client proves that it has a key or knows a token, and sends neither.
 *
 * @module
 */

import { UNSEEN } from "../base/printable.ts";
import { errorMessage, ProtocolError } from "../base/errors.ts";
import { publicKeyBytes } from "./public_key.ts";
import { signedBytes } from "./signed_bytes.ts";
import type { AuthMethod, ChallengePayload, ProofPayload } from "../wire/messages.ts";
import { type AllowedKeys, whyNotAllowed } from "./allowed_keys.ts";
import { checkToken } from "./token.ts";

/** What a client proves its identity with. Neither the private key nor the token ever travels. */
export type Credential =
  | { readonly kind: "key"; readonly privateKey: CryptoKey; readonly publicKey: string }
  | { readonly kind: "token"; readonly token: string };

/** Whom a server lets join: the holders of these keys, whoever knows the token, or everyone. */
export type Gatekeeper =
  | {
    readonly kind: "keys";
    /** The keys; a {@linkcode KeyList} can be read again while the server runs. */
    readonly allowed: AllowedKeys;
    /** Ranks that one key may have at a time, from 1. Default 1. */
    readonly seatsPerKey?: number;
  }
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "open" };

const METHODS: Readonly<Record<Gatekeeper["kind"], readonly AuthMethod[]>> = {
  keys: ["ed25519"],
  token: ["token"],
  open: [],
};

/** What the identity of a key's holder begins with, before the public key. */
const KEY_PREFIX = "ed25519:";
const NONCE_BYTES = 32;

/**
 * A challenge for one connection: its nonce is new. An open gatekeeper needs none.
 *
 * Throws a `RangeError` for a token that is too short or can be guessed, for `seatsPerKey` below 1,
 * and for a name that the wire does not carry.
 */
export function makeChallenge(
  gatekeeper: Gatekeeper,
  names: { server: string; run: string },
): ChallengePayload {
  if (gatekeeper.kind === "token") checkToken(gatekeeper.token);
  if (gatekeeper.kind === "keys") checkSeats(gatekeeper.seatsPerKey);
  checkName("server name", names.server, 256);
  checkName("run name", names.run, 64);
  return {
    nonce: crypto.getRandomValues(new Uint8Array(NONCE_BYTES)).toHex(),
    methods: METHODS[gatekeeper.kind],
    server: names.server,
    run: names.run,
  };
}

function checkSeats(seats = 1): void {
  if (Number.isSafeInteger(seats) && seats >= 1) return;
  throw new RangeError(`Cannot use the keys: expected seatsPerKey of at least 1, got ${seats}`);
}

// The client replaces such characters as it reads, and would then sign another name.
function checkName(what: string, name: string, most: number): void {
  if (name.length < 1 || name.length > most || UNSEEN.test(name)) {
    throw new RangeError(
      `Cannot make a challenge: expected a ${what} of 1 to ${most} characters, none of them a control character, got ${
        JSON.stringify(name)
      }`,
    );
  }
}

/** What a client expects of the one that challenges it. */
export interface AnswerOptions {
  /** The server's name as the client was told. Default: the name that the server says. */
  serverName?: string;
}

/**
 * The client's answer. It is good for this challenge, and so for this connection, alone.
 *
 * Throws a `ProtocolError` "not-authorized" when the server has another name than expected or does not take this kind of credential.
 */
export async function answerChallenge(
  credential: Credential | undefined,
  challenge: ChallengePayload,
  options: AnswerOptions = {},
): Promise<ProofPayload> {
  const { serverName = challenge.server } = options;
  if (serverName !== challenge.server) {
    throw refusal(
      `expected the server ${JSON.stringify(serverName)}, got ${JSON.stringify(challenge.server)}`,
    );
  }
  const taken = challenge.methods.map(words).join(" or ");
  if (credential === undefined) throw refusal(`the server asks for ${taken}, and none was given`);
  const method = credential.kind === "key" ? "ed25519" : "token";
  if (!challenge.methods.includes(method)) {
    throw refusal(`the server asks for ${taken}, got ${words(method)}`);
  }
  const bytes = signedBytes(method, challenge);
  if (credential.kind === "key") {
    const signature = await crypto.subtle.sign("Ed25519", credential.privateKey, bytes);
    return {
      method,
      publicKey: credential.publicKey,
      signature: new Uint8Array(signature).toHex(),
    };
  }
  const signature = await crypto.subtle.sign("HMAC", await hmacKey(credential.token), bytes);
  return { method, signature: new Uint8Array(signature).toHex() };
}

function words(method: string): string {
  return method === "ed25519" ? "a key" : method === "token" ? "a token" : method;
}

/**
 * The identity that the proof shows, as answer to this very challenge: `"ed25519:PUBLIC_KEY"`, `"token"`, or `"open"` when everyone may join.
 *
 * Give it the challenge that was sent on the proof's own connection, and once only. Rejects with a `ProtocolError` "not-authorized" whose
 * message holds no secret.
 */
export async function checkProof(
  gatekeeper: Gatekeeper,
  challenge: ChallengePayload,
  proof: ProofPayload,
): Promise<string> {
  if (gatekeeper.kind === "open") return "open";
  const { method, publicKey } = proof;
  if (!METHODS[gatekeeper.kind].includes(method)) {
    throw refusal(
      `the server asks for ${METHODS[gatekeeper.kind].map(words)}, got ${words(method)}`,
    );
  }
  const bytes = signedBytes(method, challenge);
  const signature = bytesOf(proof.signature);
  if (gatekeeper.kind === "token") {
    const key = await hmacKey(gatekeeper.token);
    if (await crypto.subtle.verify("HMAC", key, signature, bytes)) return "token";
    throw refusal("the client has another token, or answered another challenge");
  }
  if (publicKey === undefined) throw refusal("expected the client's public key, got none");
  const reason = whyNotAllowed(gatekeeper.allowed, publicKey, Date.now());
  if (reason !== undefined) throw refusal(reason);
  const raw = rawOf(publicKey);
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  if (await crypto.subtle.verify("Ed25519", key, signature, bytes)) return KEY_PREFIX + publicKey;
  throw refusal(`the signature is not one by ${publicKey} for this challenge`);
}

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromHex(hex);
  } catch {
    throw refusal("expected a signature in hexadecimal");
  }
}

function rawOf(publicKey: string): Uint8Array<ArrayBuffer> {
  try {
    return publicKeyBytes(publicKey);
  } catch (error) {
    throw refusal(errorMessage(error));
  }
}

async function hmacKey(token: string): Promise<CryptoKey> {
  return await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(checkToken(token)),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );
}

function refusal(why: string): ProtocolError {
  return new ProtocolError("not-authorized", `Cannot join: ${why}`);
}

/**
 * The public key of an identity that {@linkcode checkProof} gave; `undefined` when it is none of a
 * key.
 */
export function publicKeyOf(identity: string): string | undefined {
  return identity.startsWith(KEY_PREFIX) ? identity.slice(KEY_PREFIX.length) : undefined;
}
