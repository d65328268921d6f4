/**
 * Clients.
 *
 * @module
 */

export * from "./async_topology.ts";
export * from "./define_client.ts";
export * from "./following_topology.ts";
export * from "./sync_topology.ts";
export * from "./topology.ts";
