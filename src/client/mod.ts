/**
 * Clients.
 *
 * @module
 */

export { ClientAsyncTop } from "./async_topology.ts";
export { ClientFollowingTop } from "./following_topology.ts";
export type { ClientEvent } from "./events.ts";
export type {
  ClientStatisticsOptions,
  ClientTopologyOptions,
  RunOptions,
  SharedMetrics,
} from "./options.ts";
export { ClientSyncTop } from "./sync_topology.ts";
export { ClientCommunicationTopology } from "./topology.ts";
