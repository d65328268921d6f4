/**
 * Worlds: federations in simulated time, whose failures are replayed from a seed.
 *
 * @module
 */

export type { DiskFault } from "./disk/disk_fault.ts";
export type { VirtualDisk } from "./disk/virtual_disk.ts";
export type { LinkState } from "./network/link.ts";
export type { Machine } from "./machine.ts";
export type { ProcessEnd, VirtualProcess } from "./virtual_process.ts";
export * from "./world.ts";
