import type { FederationPlan } from "./plan.ts";

/** Mistakes of a newcomer, for each of which it must not become a member. */
export const MISTAKES = [
  "no proof",
  "wrong token",
  "another model",
  "a rank above all",
  "another world size",
  "secure aggregation",
  "privacy",
  "another mode",
] as const;

/** Mistake of a newcomer. */
export type Mistake = typeof MISTAKES[number];

/** Returns true if a mistake is one in a federation. */
export function isMistaken(mistake: Mistake, plan: FederationPlan): boolean {
  switch (mistake) {
    case "no proof":
    case "wrong token":
      return plan.proof !== "none";
    case "secure aggregation":
      return !plan.isMasked;
    case "privacy":
      return plan.privacy === undefined;
    default:
      return true;
  }
}
