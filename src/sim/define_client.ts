/**
 * Client in a module of its own, real or simulated.
 *
 * @module
 */

import { ClientFollowingTop } from "../client/following_topology.ts";
import type { ClientTopologyOptions } from "../client/options.ts";
import type { Dataset } from "../data/dataset.ts";
import type { ClientBackendHandler } from "../train/handler.ts";
import { defineWorker } from "../worker/define_worker.ts";
import { isPiped } from "../worker/pipe.ts";
import { postedLogger } from "../worker/posted_log.ts";
import type { PoolWorkerArgs } from "./worker_args.ts";

/** Options passed to a client's module: its server, the rank to join as, and the rest. */
export type ClientModuleOptions = Omit<ClientTopologyOptions, "logger" | "onEvent">;

/**
 * Options of the function that makes a client's handler. In a simulation `serverAddr` is
 * `"simulation"` and there is a rank; only there may be data.
 */
export interface ClientHandlerOptions extends ClientModuleOptions {
  /** Data of all clients of the simulation. */
  readonly data?: Dataset;
  /** Rows of the data that this client trains on. */
  readonly rows?: Uint32Array;
  /** Rows of the data that this client evaluates on, where it does not use `rows`. */
  readonly testRows?: Uint32Array;
}

/** Makes the handler of a client. */
export type MakeClientHandler = (
  options: ClientHandlerOptions,
) => ClientBackendHandler | Promise<ClientBackendHandler>;

/**
 * Makes the module a client with a handler of its own: `deno task client:module --module PATH` runs
 * it in a process of its own, with only the permissions that `--module-allow` names;
 * `spawn(PATH, options)` runs it in a worker. Elsewhere it does nothing, so that the module may be
 * imported. A `Simulation` takes the module's URL as its option `handler`.
 *
 * @param makeHandler Makes the handler. In a simulation it is called for each job of a client.
 *
 * @example
 * ```ts
 * import { defineClient, digits } from "@fedlab/core";
 * import { ClientSGDHandler } from "@fedlab/core";
 *
 * defineClient(async ({ data, rows }) =>
 *   new ClientSGDHandler({ data: data ?? await digits(), ...(rows && { rows }) })
 * );
 * ```
 */
export function defineClient(makeHandler: MakeClientHandler): void {
  defineWorker<ClientModuleOptions | PoolWorkerArgs, void>(async (options, { signal, post }) => {
    if ("queue" in options) {
      const { serveJobs } = await import("./serve_jobs.ts");
      return await serveJobs(options, makeHandler, signal);
    }
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
