/**
 * Servers.
 *
 * @module
 */

export { DEFAULT_PEER_LIMITS, type PeerLimits } from "./sessions/peer_limits.ts";
export { AuditLog, type AuditLogOptions } from "./audit_log.ts";
export { ServerAsyncTop } from "./asynchronous/async_topology.ts";
export type { ServerAsyncOptions } from "./asynchronous/async_options.ts";
export { DEFAULT_SERVER_NAME, type ServerTopologyOptions } from "./options.ts";
export type { ActiveRun, RoundTries } from "./run/active_run.ts";
export type { OpenSums } from "./run/open_sums.ts";
export type { OpenSum, SavedAbsence, SavedSum } from "../round/secure/open_sum.ts";
export type { RoundCosts } from "./run/round_costs.ts";
export type { MessageArguments } from "./run/server_topology.ts";
export type { AgreedCodecs } from "./sessions/codec_agreement.ts";
export type { JoinedClient } from "./sessions/registration.ts";
export {
  type ServerStatisticsOptions,
  ServerStatisticsTop,
} from "./statistics/statistics_topology.ts";
export type { EarlyUpdateOptions } from "./uploads/early_updates.ts";
export { ServerSyncTop } from "./sync_topology.ts";
export { ServerCommunicationTopology } from "./topology.ts";
