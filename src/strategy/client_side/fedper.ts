/**
 * Averaging of all layers but those that stay on the clients.
 *
 * @module
 */

import { type ClientSideOptions, ClientSideStrategy } from "./client_side.ts";

/** What {@linkcode FedPer} leaves on the clients. */
export interface FedPerOptions extends ClientSideOptions {
  /** Beginnings of the names of the tensors that stay on each client, such as `["logits/"]`; at least one. */
  local: readonly string[];
}

/**
 * Layers that stay on each client, below or above those that FedAvg makes of all (FedPer).
 *
 * Arivazhagan et al. 2019, "Federated Learning with Personalization Layers". Clients train all layers and are evaluated with their own; the
 * named tensors of an update are those that the client was sent, so that what is local is never seen.
 *
 * @example
 * ```ts
 * import { FedPer } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const { clientSettings } = new FedPer({ local: ["logits/"] });
 * assertEquals(clientSettings, { rule: { name: "fedper", local: ["logits/"] } });
 * ```
 */
export class FedPer extends ClientSideStrategy {
  /** Throws a `RangeError` when no tensor is named. */
  constructor({ local, ...options }: FedPerOptions) {
    if (local.length === 0 || local.includes("")) {
      throw new RangeError(
        "Cannot make fedper: expected the beginnings of names of tensors that stay local, got none",
      );
    }
    super("fedper", { rule: { name: "fedper", local: [...local] } }, options);
  }
}
