/**
 * Servers.
 *
 * @module
 */

export { DEFAULT_PEER_LIMITS, type PeerLimits } from "./sessions/gate.ts";
export * from "../round/async_handler.ts";
export { AuditLog, type AuditLogOptions } from "./audit_log.ts";
export * from "./asynchronous/async_topology.ts";
export * from "../round/events.ts";
export * from "../round/handler.ts";
export * from "../round/sync_handler.ts";
export * from "../round/selection/mod.ts";
export type { ClientFigures, Distribution } from "../round/distribution.ts";
export type { FinalReport, MemberReport, RoundReport, RunReport } from "../round/report.ts";
export * from "./sync_topology.ts";
export * from "./topology.ts";
