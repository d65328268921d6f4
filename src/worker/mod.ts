/**
 * Modules that run in Web Workers, as FedLab's topologies run in processes.
 *
 * The module ends with {@linkcode defineWorker}, and the program calls {@linkcode spawn} with its
 * URL.
 *
 * @module
 */

export { defineWorker, type WorkerContext, type WorkerMain } from "./define_worker.ts";
export { joinAll, type JoinAllOptions } from "./join_all.ts";
export { spawn } from "./spawn.ts";
export type { SpawnOptions, WorkerProcess } from "./worker_process.ts";
