/**
 * Client that follows its server's mode.
 *
 * @module
 */

import { ClientCommunicationTopology } from "./topology.ts";

/**
 * Client that takes part in the agreement that its server names: it works in rounds, asks for work,
 * or answers questions about its data. When it loses the server it reconnects, while its training
 * goes on.
 *
 * {@linkcode ClientSyncTop} and {@linkcode ClientAsyncTop} accept one agreement alone.
 */
export class ClientFollowingTop extends ClientCommunicationTopology {
  /** `true` if the server is asynchronous. */
  protected override get asksForWork(): boolean {
    return this.assignment?.mode === "async";
  }
}
