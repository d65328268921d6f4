/**
 * A client as a module of its own.
 *
 * @module
 */

import type { ClientBackendHandler } from "../train/handler.ts";
import { defineWorker } from "../worker/define_worker.ts";
import { ClientFollowingTop } from "./following_topology.ts";
import type { ClientTopologyOptions } from "./topology.ts";

/** What a client's module is told: where its server is, and as which rank to join. */
export type ClientModuleOptions = Omit<ClientTopologyOptions, "logger" | "onEvent">;

/**
 * Makes the module a client with a handler of its own: `deno task client --module PATH` and `spawn(PATH, options)` run it in a worker. Elsewhere it does
 * nothing, so the module may be imported.
 *
 * @example
 * ```ts
 * import { defineClient, digits } from "@fedlab/core";
 * import { ClientSGDHandler } from "@fedlab/core/tfjs";
 *
 * defineClient(async () => new ClientSGDHandler({ data: await digits() }));
 * ```
 */
export function defineClient(
  makeHandler: (
    options: ClientModuleOptions,
  ) => ClientBackendHandler | Promise<ClientBackendHandler>,
): void {
  defineWorker<ClientModuleOptions, void>(async (options, { signal, post }) => {
    await using handler = await makeHandler(options);
    await new ClientFollowingTop(handler, { ...options, onEvent: (event) => post(event) }).run({
      signal,
    });
  });
}
