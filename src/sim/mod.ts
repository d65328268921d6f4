/**
 * Simulation of many clients on one machine.
 *
 * @module
 */

export type {
  BaseFile,
  ClientJob,
  ClientPool,
  ClientPoolOptions,
  JobOptions,
  JobOutcome,
  PoolSums,
  RoundInput,
  StartClientPool,
  SumOptions,
} from "./client_pool.ts";
export {
  type ClientHandlerOptions,
  type ClientModuleOptions,
  defineClient,
  type MakeClientHandler,
} from "./define_client.ts";
export { InProcessPool } from "./in_process_pool.ts";
export type { SimulationOptions } from "./options.ts";
export { PreparedWorkers, type PreparedWorkersOptions } from "./prepared_workers.ts";
export { Simulation } from "./simulation.ts";
export { WorkerPool } from "./worker_pool.ts";
