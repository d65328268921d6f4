/**
 * Runs a topology in a Web Worker of its own, as FedLab's topologies are processes.
 *
 * A module that is to run in a worker ends with {@linkcode defineWorker}; the program calls {@linkcode spawn} with its URL.
 *
 * @module
 */

export { defineWorker, type WorkerContext, type WorkerMain } from "./define_worker.ts";
export { joinAll, type JoinAllOptions } from "./join_all.ts";
export { spawn } from "./spawn.ts";
export type { SpawnOptions, WorkerProcess } from "./worker_process.ts";
