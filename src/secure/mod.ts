/**
 * Secure aggregation: a server learns the sum of its clients' updates, and no single one.
 *
 * The protocol is SecAgg+ (Bell et al. 2020), with the checks of Bonawitz et al. 2017 against
 * servers that lie. It has no sockets here: {@linkcode SecureClient} and {@linkcode SecureSession}
 * take and return messages.
 *
 * @example A round of five clients
 * ```ts
 * import {
 *   graphParameters,
 *   quantizeUpdate,
 *   readLanes,
 *   ringOf,
 *   SecureClient,
 *   SecureSession,
 * } from "@fedlab/core/secure";
 * import { assertEquals } from "@std/assert";
 *
 * const run = "demo", id = { round: 1, attempt: 1 }, vector = new Float32Array(3);
 * const ring = ringOf({ clip: 1, maxSamples: 100, maxMembers: 5 });
 * const clients = new Map<number, SecureClient>();
 * for (const rank of [1, 2, 3, 4, 5]) clients.set(rank, new SecureClient({ run, rank }));
 * const graph = graphParameters, told = new TextEncoder().encode("learningRate=0.1");
 * const session = new SecureSession({ run, ...id, vector, ring, told, graph, minMembers: 5 });
 *
 * for (const [rank, client] of clients) await session.addKeys(rank, await client.keys());
 * for (const [rank, members] of session.closeKeys()) {
 *   const shares = await clients.get(rank)?.share(members, { vector, ring, told });
 *   if (shares) session.addShares(rank, shares);
 * }
 * for (const [rank, boxes] of session.closeShares()) {
 *   await clients.get(rank)?.receive(boxes);
 *   const update = Float32Array.of(0.5, -0.25, 0.125);
 *   const figures = { samples: 60, loss: 1, steps: 6 };
 *   const quantized = quantizeUpdate(ring, update, figures, { seed: 0, round: 1, rank });
 *   const masked = await clients.get(rank)?.mask(id, quantized);
 *   // The last client is lost.
 *   if (masked && rank < 5) session.addMasked(rank, masked);
 * }
 * for (const [rank, request] of session.closeMasked()) {
 *   const shares = await clients.get(rank)?.reveal(request);
 *   if (shares) session.addReveal(rank, shares);
 * }
 * const { sums, survivors } = await session.finish();
 * assertEquals(survivors, [1, 2, 3, 4]);
 * assertEquals(readLanes(ring, sums).samples, 240);
 * ```
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
export type { Bytes } from "./primitives.ts";
export type { ParameterVector } from "../params/manifest.ts";
export * from "./quantize.ts";
export { type Ring, ringOf, type RingSettings } from "./ring.ts";
export type * from "./server/options.ts";
export type { ByRank, SavedSession } from "./server/saved_session.ts";
export * from "./server/session.ts";
export type { Unmasking } from "./server/unmasking.ts";
export { combineShares, splitSecret } from "./shamir.ts";
export type { SaltedSession } from "./salt.ts";
export type { JoinedTraining, ToldTraining } from "./told.ts";
