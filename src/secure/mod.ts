/**
 * Secure aggregation: a server learns the sum of its clients' updates, and no single one.
 *
 * The protocol is SecAgg+ (Bell et al. 2020), with the checks of Bonawitz et al. 2017 against servers
 * that lie. It has no sockets here: {@linkcode SecureClient} and {@linkcode SecureSession} take and
 * return messages.
 *
 * @module
 */

export * from "./client/client.ts";
export type { Signer } from "./client/key_pairs.ts";
export type { ClientPolicy } from "./client/policy.ts";
export * from "./clear_sum.ts";
export * from "./errors.ts";
export {
  type GraphAssumptions,
  type GraphParameters,
  graphParameters,
  ringOrder,
} from "./graph.ts";
export type * from "./messages.ts";
export * from "./quantize.ts";
export { type Ring, ringOf, type RingSettings } from "./ring.ts";
export type * from "./server/options.ts";
export * from "./server/session.ts";
export { combineShares, splitSecret } from "./shamir.ts";
