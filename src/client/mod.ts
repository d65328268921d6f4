/**
 * Clients.
 *
 * @module
 */

export * from "./define_client.ts";
export * from "./sync_topology.ts";
export * from "./topology.ts";
