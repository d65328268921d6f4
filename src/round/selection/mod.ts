/**
 * Client selection.
 *
 * @module
 */

export { type AvailabilityOptions, AvailabilitySelection } from "./availability.ts";
export { type PowerOfChoiceOptions, PowerOfChoiceSelection } from "./power_of_choice.ts";
export { parseSelection, SELECTION_NAMES } from "./registry.ts";
export { RoundRobinSelection } from "./round_robin.ts";
export { SamplesSelection } from "./samples.ts";
export type { ClientSelection, KnownClient, SelectionContext } from "./selection.ts";
export { UniformSelection } from "./uniform.ts";
