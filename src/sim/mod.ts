/**
 * Many clients on one machine.
 *
 * @module
 */

export type { SimulationOptions } from "./options.ts";
export * from "./simulation.ts";
