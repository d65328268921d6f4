/**
 * A client as a module of its own.
 *
 * @module
 */

import type { ClientBackendHandler } from "../train/handler.ts";
import { isPiped } from "../worker/pipe.ts";
import { postedLogger } from "../worker/posted_log.ts";
import { defineWorker } from "../worker/define_worker.ts";
import { ClientFollowingTop } from "./following_topology.ts";
import type { ClientTopologyOptions } from "./topology.ts";

/** What a client's module is told: where its server is, and as which rank to join. */
export type ClientModuleOptions = Omit<ClientTopologyOptions, "logger" | "onEvent">;

/**
 * Makes the module a client with a handler of its own: `deno task client:module --module PATH` runs
 * it in a process of its own, with the permissions that `--module-allow` names and no others,
 * `spawn(PATH, options)` in a worker. Elsewhere it does nothing, so the module may be imported.
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
    if (isPiped()) post({ type: "built" });
    const client = new ClientFollowingTop(handler, {
      ...options,
      onEvent: (event) => post(event),
      // A process of the command may write no file: the command keeps its log.
      ...(isPiped() && { logger: postedLogger(post) }),
    });
    await client.run({ signal });
  });
}
