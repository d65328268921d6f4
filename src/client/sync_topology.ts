/**
 * Synchronous client.
 *
 * @module
 */

import type { AgreementMode } from "../wire/messages.ts";
import { ClientCommunicationTopology } from "./topology.ts";

/**
 * Synchronous client: waits for parameters, trains and sends the result, until the server says
 * `Exit`. When it loses the server it reconnects, while its training goes on. It refuses an
 * asynchronous server with "mode-mismatch".
 *
 * @example A client with its own training, in one process with its server
 * ```ts
 * import {
 *   ClientBackendHandler, ClientSyncTop, Manifest, ServerSyncTop, silentLogger,
 *   SyncParameterServerHandler, type TrainResult,
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
 * const parameters = new Float32Array([0, 5]);
 * const handler = new SyncParameterServerHandler({ manifest, parameters });
 * const server = new ServerSyncTop(handler, {
 *   ...group, listen: "example", worldSize: 2, rounds: 3,
 * });
 * const client = new ClientSyncTop(new AddOne(), { ...group, serverAddr: "example" });
 * await Promise.all([server.run(), client.run()]);
 * assertEquals([...handler.parameters], [3, 8]);
 * ```
 */
export class ClientSyncTop extends ClientCommunicationTopology {
  /** Synchronous servers only. */
  protected override get mode(): AgreementMode {
    return "sync";
  }
}
