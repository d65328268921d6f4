/**
 * The synchronous client.
 *
 * @module
 */

import type { AgreementMode } from "../wire/messages.ts";
import { ClientFollowingTop } from "./following_topology.ts";

/**
 * The synchronous client: waits for parameters, trains, sends what it trained, until the server says `Exit`. When it loses the server it
 * comes back, and what it was training goes on meanwhile. A server that works otherwise is refused by "mode-mismatch".
 *
 * @example A client that trains by its own rule, in one process with its server
 * ```ts
 * import {
 *   ClientBackendHandler, ClientSyncTop, Manifest, ServerSyncTop, silentLogger, SyncParameterServerHandler, type TrainResult,
 * } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const manifest = Manifest.of([{ name: "w", shape: [2] }]);
 * class AddOne extends ClientBackendHandler {
 *   readonly manifest = manifest;
 *   readonly numSamples = 1;
 *   #w = new Float32Array(2);
 *   get parameters() { return this.#w; }
 *   set parameters(w) { this.#w.set(w); }
 *   train(): Promise<TrainResult> {
 *     this.#w.forEach((x, i) => this.#w[i] = x + 1);
 *     return Promise.resolve({ numSamples: 1, steps: 1, loss: 0, metrics: {} });
 *   }
 *   evaluate() { return Promise.resolve({ numSamples: 1, loss: 0 }); }
 * }
 *
 * const group = { distBackend: "memory", logger: silentLogger } as const;
 * const handler = new SyncParameterServerHandler({ manifest, parameters: new Float32Array([0, 5]) });
 * const server = new ServerSyncTop(handler, { ...group, listen: "example", worldSize: 2, rounds: 3 });
 * const client = new ClientSyncTop(new AddOne(), { ...group, serverAddr: "example" });
 * await Promise.all([server.run(), client.run()]);
 * assertEquals([...handler.parameters], [3, 8]);
 * ```
 */
export class ClientSyncTop extends ClientFollowingTop {
  /** Rounds. */
  protected override get mode(): AgreementMode {
    return "sync";
  }
}
