/**
 * Servers.
 *
 * @module
 */

export { DEFAULT_PEER_LIMITS, type PeerLimits } from "./sessions/gate.ts";
export { AuditLog, type AuditLogOptions } from "./audit_log.ts";
export * from "./asynchronous/async_topology.ts";
export * from "./sync_topology.ts";
export * from "./topology.ts";
