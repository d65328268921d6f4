/**
 * Transports, connections, ranks and time-outs.
 *
 * @module
 */

export { formatRanks, type Rank, SERVER_RANK } from "../base/rank.ts";
export * from "./backend.ts";
export * from "./connection.ts";
export * from "./connection_options.ts";
export { SharedMessage } from "./outgoing_frame.ts";
export { KeptTransport } from "./kept_transport.ts";
export { memoryTransport } from "./memory.ts";
export * from "./process_group.ts";
export { parseAddress, tcpTransport } from "./tcp.ts";
export {
  DEFAULT_TIMEOUTS,
  MOST_HEARTBEAT_SECONDS,
  SILENT_HEARTBEATS,
  type Timeouts,
} from "./timeouts.ts";
export { type TlsOptions, tlsTransport } from "./tls/transport.ts";
export * from "./transport.ts";
export { type WebSocketMount, websocketMount } from "./websocket/mount.ts";
export type { RequestInfo } from "./websocket/request_upgrader.ts";
export { type WebSocketOptions, websocketTransport } from "./websocket/transport.ts";
export type { WebOriginOptions } from "./websocket/web_origins.ts";
