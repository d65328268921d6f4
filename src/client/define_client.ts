/**
 * Client in a module of its own.
 *
 * @module
 */

import type { ClientBackendHandler } from "../train/handler.ts";
import { defineWorker } from "../worker/define_worker.ts";
import { isPiped } from "../worker/pipe.ts";
import { postedLogger } from "../worker/posted_log.ts";
import { ClientFollowingTop } from "./following_topology.ts";
import type { ClientTopologyOptions } from "./options.ts";

/** Options passed to a client's module: its server, the rank to join as, and the rest. */
export type ClientModuleOptions = Omit<ClientTopologyOptions, "logger" | "onEvent">;

/**
 * Makes the module a client with a handler of its own: `deno task client:module --module PATH` runs
 * it in a process of its own, with only the permissions that `--module-allow` names;
 * `spawn(PATH, options)` runs it in a worker. Elsewhere it does nothing, so that the module may be
 * imported.
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
      // The command's process may write no file: the command itself writes the log.
      ...(isPiped() && { logger: postedLogger(post) }),
    });
    await client.run({ signal });
  });
}
