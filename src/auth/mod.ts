/**
 * Identity: keys and tokens of clients, and the proof that a client has one.
 *
 * @module
 */

// Keys.
export {
  type AllowedKey,
  type AllowedKeys,
  KeyList,
  type KeyListChange,
  readAllowedKeys,
} from "./allowed_keys.ts";
export {
  generateKeyPair,
  type KeyPair,
  readPrivateKey,
  type ReadPrivateKeyOptions,
  writePrivateKey,
} from "./key_pair.ts";
export { fingerprintOf } from "./public_key.ts";

// Tokens.
export { checkToken, tokenFromEnv } from "./token.ts";

// Proofs.
export {
  answerChallenge,
  type AnswerOptions,
  checkProof,
  type Credential,
  type Gatekeeper,
  makeChallenge,
} from "./challenge.ts";
