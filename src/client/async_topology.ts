/**
 * Asynchronous client.
 *
 * @module
 */

import type { AgreementMode } from "../wire/messages.ts";
import { ClientCommunicationTopology } from "./topology.ts";

/**
 * Asynchronous client: asks for the newest parameters, trains, sends the result and asks again,
 * until the server says `Exit`. It waits for no other client. When it loses the server it
 * reconnects, while its training goes on. It refuses a synchronous server with "mode-mismatch".
 *
 * See {@linkcode ServerAsyncTop} for an example of both.
 */
export class ClientAsyncTop extends ClientCommunicationTopology {
  /** Asynchronous servers only. */
  protected override get mode(): AgreementMode {
    return "async";
  }

  /** `true`. */
  protected override get asksForWork(): boolean {
    return true;
  }
}
