/**
 * Identity: who may join, and how a client proves that it is one of them.
 *
 * @module
 */

export { readAllowedKeys } from "./allowed_keys.ts";
export * from "./challenge.ts";
export {
  generateKeyPair,
  type KeyPair,
  readPrivateKey,
  type ReadPrivateKeyOptions,
  writePrivateKey,
} from "./key_pair.ts";
export * from "./token.ts";
