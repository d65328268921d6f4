/** Digest that takes its bytes in pieces, in browsers too; loaded only where a base is opened. */
export { sha256 } from "npm:@noble/hashes@2.4.0/sha2.js";
