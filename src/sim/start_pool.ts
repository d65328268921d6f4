import { runtime } from "../base/runtime/runtime.ts";
import type { KernelBuild } from "../params/kernels.ts";
import { keepsState, takesControl } from "../plan/rules/rules.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import { countsLength } from "../train/confusion.ts";
import { loadEncoder } from "../wire/cbor.ts";
import { choiceFor } from "./client_ledgers.ts";
import type { ClientPool } from "./client_pool.ts";
import { InProcessPool } from "./in_process_pool.ts";
import { clientsOf, type SimulationOptions } from "./options.ts";
import { schemaOf } from "./data_schema.ts";
import { WorkerPool } from "./worker_pool.ts";

/** Returns the length of the counts of a `test` job. */
export function countsOf({ test }: SimulationOptions): number {
  return test ? countsLength(test.numClasses) : 0;
}

/** Starts the pool of a simulation. */
export async function startPool(
  server: SyncServerBackendHandler,
  options: SimulationOptions,
): Promise<ClientPool> {
  const handler = typeof options.handler === "string" ? new URL(options.handler) : options.handler;
  const start = options.pool ??
    (typeof handler === "function" || !runtime.workers.areThere
      ? InProcessPool.start
      : WorkerPool.start);
  // Figures are checked as messages are, in whose form they would come.
  const loading = loadEncoder();
  const pool = await start({
    workers: Math.min(options.workers ?? runtime.workers.hardwareConcurrency, clientsOf(options)),
    manifest: server.manifest,
    keepsOwn: keepsState(server.plan.rule),
    hasControl: takesControl(server.plan.rule),
    counts: countsOf(options),
    model: server.model,
    schema: schemaOf(server, options),
    handler,
    train: options.train,
    test: options.test,
    parts: options.parts,
    testParts: options.testParts,
    settings: options.settings,
    privacy: choiceFor(options),
    base: options.base,
    ...(server.summed && { sums: { ...server.summed.terms, numClients: clientsOf(options) } }),
    engine: options.engine ?? "auto",
    backend: options.backend ?? "auto",
    build: server.kernels as KernelBuild,
  });
  await loading;
  return pool;
}
