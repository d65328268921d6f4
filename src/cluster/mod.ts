/**
 * Simulation over many machines, on a NATS server with JetStream.
 *
 * @module
 */

export { ClusterError, type ClusterFault } from "./cluster_error.ts";
export { clusterPool, type ClusterPoolOptions } from "./cluster_pool.ts";
export type { ClusterOptions, ClusterTls } from "./connect.ts";
export { EventLog } from "./events/event_log.ts";
export type { RunBegan, RunEvent } from "./events/run_event.ts";
export { type StoredEvent, Watcher } from "./events/watcher.ts";
export { type MachineOptions, runMachine } from "./machine.ts";
export type { MachineLimits } from "./membership.ts";
export type { Ages } from "./provision.ts";
