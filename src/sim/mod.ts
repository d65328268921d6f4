/**
 * Many clients on one machine.
 *
 * @module
 */

export * from "./simulation.ts";
