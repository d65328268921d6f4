/**
 * Averaging of all layers but those that stay on the clients.
 *
 * @module
 */

import { type ClientSideOptions, ClientSideStrategy } from "./client_side.ts";

export type { FedPerRule } from "../../plan/rules/fedper.ts";

/** Options of {@linkcode FedPer}. */
export interface FedPerOptions extends ClientSideOptions {
  /**
   * Beginnings of the names of the tensors that stay on each client, such as `["logits/"]`; at
   * least one.
   */
  local: readonly string[];
}

/**
 * Federated averaging of all layers but those that stay on each client (FedPer).
 *
 * Arivazhagan et al. 2019, "Federated Learning with Personalization Layers". Clients train all
 * layers and are evaluated with their own. In an update the named tensors are those that the client
 * received, so that the server never sees the local ones.
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
  /**
   * Makes the strategy.
   *
   * @throws {RangeError} If no tensor is named.
   */
  constructor({ local, ...options }: FedPerOptions) {
    if (local.length === 0 || local.includes("")) {
      throw new RangeError(
        "Cannot make fedper: expected the beginnings of names of tensors that stay local, got none",
      );
    }
    super("fedper", { rule: { name: "fedper", local: [...local] } }, options);
  }
}
