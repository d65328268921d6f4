/**
 * Challenge and response: a client proves that it has a key or a token without sending it.
 *
 * @module
 */

import { AT_LEAST_ONE, checkInRange } from "../base/check.ts";
import { runtime } from "../base/runtime/runtime.ts";
import { bytesOf, concat } from "../base/bytes.ts";
import { UNSEEN } from "../base/printable.ts";
import { errorMessage, ProtocolError } from "../base/errors.ts";
import { publicKeyBytes } from "./public_key.ts";
import type { AuthMethod, ChallengePayload, ProofPayload } from "../wire/messages.ts";
import { type AllowedKeys, whyNotAllowed } from "./allowed_keys.ts";
import { checkToken } from "./token.ts";

/** Secret that a client proves to have. Neither the private key nor the token is ever sent. */
export type Credential =
  | { readonly kind: "key"; readonly privateKey: CryptoKey; readonly publicKey: string }
  | { readonly kind: "token"; readonly token: string };

/** Rule for joining: holders of listed keys, clients that have a token, or everyone. */
export type Gatekeeper =
  | {
    readonly kind: "keys";
    /** Keys that may join; a {@linkcode KeyList} can be read again while the server runs. */
    readonly allowed: AllowedKeys;
    /**
     * Number of ranks that one key may have at a time, from 1.
     *
     * @default {1}
     */
    readonly seatsPerKey?: number;
  }
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "open" };

const METHODS: Readonly<Record<Gatekeeper["kind"], readonly AuthMethod[]>> = {
  keys: ["ed25519"],
  token: ["token"],
  open: [],
};

/** Beginning of the identity of a key's holder, before the public key. */
const KEY_PREFIX = "ed25519:";
const NONCE_BYTES = 32;
/** Beginning of every signed text: keeps a signature from serving any other purpose. */
const CONTEXT = "fedlab-auth-v1";

/**
 * Makes a challenge for one connection, with a new nonce. An open gatekeeper needs none.
 *
 * @throws {RangeError} If the token is too short or can be guessed, `seatsPerKey` is below 1, or a
 * name cannot be sent.
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
    nonce: runtime.random.getRandomValues(new Uint8Array(NONCE_BYTES)).toHex(),
    methods: METHODS[gatekeeper.kind],
    server: names.server,
    run: names.run,
  };
}

function checkSeats(seats = 1): void {
  checkInRange(seats, AT_LEAST_ONE, "Cannot use the keys", "seatsPerKey of at least 1");
}

// The client replaces control characters as it reads, and would then sign another name.
function checkName(what: string, name: string, most: number): void {
  if (name.length < 1 || name.length > most || UNSEEN.test(name)) {
    throw new RangeError(
      `Cannot make a challenge: expected a ${what} of 1 to ${most} characters, none of them a control character, got ${
        JSON.stringify(name)
      }`,
    );
  }
}

/** Options of {@linkcode answerChallenge}. */
export interface AnswerOptions {
  /**
   * Expected name of the server.
   *
   * @default The name in the challenge.
   */
  serverName?: string;
}

/**
 * Answers a challenge. The answer is valid for this challenge, and so for this connection, alone.
 *
 * @throws {ProtocolError} "not-authorized", if the server has another name than expected or does
 * not accept this kind of credential.
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
  const taken = challenge.methods.map(methodName).join(" or ");
  if (credential === undefined) throw refusal(`the server asks for ${taken}, and none was given`);
  const method = credential.kind === "key" ? "ed25519" : "token";
  if (!challenge.methods.includes(method)) {
    throw refusal(`the server asks for ${taken}, got ${methodName(method)}`);
  }
  const bytes = signedBytes(method, challenge);
  if (credential.kind === "key") {
    const signature = await runtime.crypto.subtle.sign("Ed25519", credential.privateKey, bytes);
    return {
      method,
      publicKey: credential.publicKey,
      signature: new Uint8Array(signature).toHex(),
    };
  }
  const signature = await runtime.crypto.subtle.sign(
    "HMAC",
    await hmacKey(credential.token),
    bytes,
  );
  return { method, signature: new Uint8Array(signature).toHex() };
}

function methodName(method: string): string {
  return method === "ed25519" ? "a key" : method === "token" ? "a token" : method;
}

/**
 * Checks a client's answer to a challenge.
 *
 * @param challenge Challenge that was sent on the connection of the proof. Check it once only.
 * @returns Identity of the client: `"ed25519:PUBLIC_KEY"`, `"token"`, or `"open"` when everyone may
 * join.
 * @throws {ProtocolError} "not-authorized", if the proof is not valid. The message has no secret.
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
      `the server asks for ${METHODS[gatekeeper.kind].map(methodName)}, got ${methodName(method)}`,
    );
  }
  const bytes = signedBytes(method, challenge);
  const signature = signatureBytes(proof.signature);
  if (gatekeeper.kind === "token") {
    const key = await hmacKey(gatekeeper.token);
    if (await runtime.crypto.subtle.verify("HMAC", key, signature, bytes)) return "token";
    throw refusal("the client has another token, or answered another challenge");
  }
  if (publicKey === undefined) throw refusal("expected the client's public key, got none");
  const reason = whyNotAllowed(gatekeeper.allowed, publicKey, runtime.clock.unixMillis());
  if (reason !== undefined) throw refusal(reason);
  const raw = keyBytes(publicKey);
  const key = await runtime.crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  if (await runtime.crypto.subtle.verify("Ed25519", key, signature, bytes)) {
    return KEY_PREFIX + publicKey;
  }
  throw refusal(`the signature is not one by ${publicKey} for this challenge`);
}

/**
 * Encodes the text to sign: context, method, nonce, server and run, each after its length in 4
 * bytes, little-endian. The lengths keep apart texts that would be equal when joined.
 */
function signedBytes(
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
  return concat(parts.flatMap((part) => {
    const length = new DataView(new ArrayBuffer(4));
    length.setUint32(0, part.length, true);
    return [bytesOf(length), part];
  }));
}

function signatureBytes(hex: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromHex(hex);
  } catch {
    throw refusal("expected a signature in hexadecimal");
  }
}

function keyBytes(publicKey: string): Uint8Array<ArrayBuffer> {
  try {
    return publicKeyBytes(publicKey);
  } catch (error) {
    throw refusal(errorMessage(error));
  }
}

async function hmacKey(token: string): Promise<CryptoKey> {
  return await runtime.crypto.subtle.importKey(
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

/** Gives the public key of an identity, or `undefined` for one that is not of a key. */
export function publicKeyOf(identity: string): string | undefined {
  return identity.startsWith(KEY_PREFIX) ? identity.slice(KEY_PREFIX.length) : undefined;
}
