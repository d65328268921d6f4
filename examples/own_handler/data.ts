import { Random } from "@fedlab/core";
import type { Point } from "./learner.ts";

/**
 * Makes the points of a client: different ones of the plane y = 3a - 2b + 1, with some noise.
 * Replace this by your data; the other modules can stay as they are.
 */
export function pointsOf(rank: number): Point[] {
  const random = new Random(1, "noise", { rank });
  return Array.from({ length: 100 }, () => {
    const a = random.normal(), b = random.normal();
    return [a, b, 3 * a - 2 * b + 1 + 0.1 * random.normal()];
  });
}
