/** Runs of a federation of banks. */

/** Runs of a federation, in their order. */
export const STAGES = ["head", "adapters"] as const;

/** Run of a federation: that of the head alone, or that of adapters and head. */
export type Stage = typeof STAGES[number];
