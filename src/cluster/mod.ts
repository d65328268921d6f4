/**
 * Simulation over many machines, on a NATS server with JetStream.
 *
 * @module
 */

export { ClusterError, type ClusterFault } from "./cluster_error.ts";
export type { ClusterOptions, ClusterTls } from "./connect.ts";
