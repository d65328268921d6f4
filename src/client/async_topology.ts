/**
 * The asynchronous client.
 *
 * @module
 */

import type { AgreementMode } from "../wire/messages.ts";
import { ClientFollowingTop } from "./following_topology.ts";

/**
 * The asynchronous client: asks for the newest parameters, trains, sends what it trained, and asks again, until the server says `Exit`. It waits for no
 * other client. When it loses the server it comes back, and what it was training goes on meanwhile. A server that works otherwise is refused by
 * "mode-mismatch".
 *
 * See {@linkcode ServerAsyncTop} for an example of both.
 */
export class ClientAsyncTop extends ClientFollowingTop {
  /** No rounds. */
  protected override get mode(): AgreementMode {
    return "async";
  }
}
