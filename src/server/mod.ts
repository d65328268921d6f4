/**
 * Servers.
 *
 * @module
 */

export { DEFAULT_PEER_LIMITS, type PeerLimits } from "./_gate.ts";
export * from "./async_handler.ts";
export { AuditLog, type AuditLogOptions } from "./audit_log.ts";
export * from "./async_topology.ts";
export * from "./events.ts";
export * from "./handler.ts";
export * from "./sync_handler.ts";
export * from "./selection/mod.ts";
export type { ClientFigures, Distribution } from "./distribution.ts";
export type { FinalReport, MemberReport, RoundReport, RunReport } from "./report.ts";
export * from "./sync_topology.ts";
export * from "./topology.ts";
