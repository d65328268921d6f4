/**
 * Identity: who may join, and how a client proves that it is one of them.
 *
 * @module
 */

export { fingerprintOf } from "./public_key.ts";
export {
  type AllowedKey,
  type AllowedKeys,
  KeyList,
  type KeyListChange,
  readAllowedKeys,
} from "./allowed_keys.ts";
export {
  answerChallenge,
  type AnswerOptions,
  checkProof,
  type Credential,
  type Gatekeeper,
  makeChallenge,
} from "./challenge.ts";
export {
  generateKeyPair,
  type KeyPair,
  readPrivateKey,
  type ReadPrivateKeyOptions,
  writePrivateKey,
} from "./key_pair.ts";
export * from "./token.ts";
