/**
 * Simulation over many machines, on a NATS server with JetStream.
 *
 * @module
 */

export { ClusterError, type ClusterFault } from "./cluster_error.ts";
export { clusterPool, type ClusterPoolOptions } from "./cluster_pool.ts";
export type { ClusterOptions, ClusterTls } from "./connect.ts";
export { type MachineOptions, runMachine } from "./machine.ts";
export type { MachineLimits } from "./membership.ts";
export type { Ages } from "./provision.ts";
