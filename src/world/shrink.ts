import type { Schedule } from "./faults/schedule.ts";

/**
 * Returns a part of a schedule that still fails, from which no single fault can be left out: delta
 * debugging (Zeller and Hildebrandt 2002, "Simplifying and Isolating Failure-Inducing Input",
 * algorithm ddmin).
 *
 * @param fails Tries a schedule, and returns true if it fails.
 * @param mostTries Number of tries after which the best so far is returned.
 */
export async function shrink(
  schedule: Schedule,
  fails: (schedule: Schedule) => Promise<boolean>,
  mostTries = 200,
): Promise<Schedule> {
  let best = schedule, tries = 0;
  for (let parts = 2; best.length > 0 && tries < mostTries;) {
    const size = Math.ceil(best.length / parts);
    let hasShrunk = false;
    for (let start = 0; start < best.length && tries < mostTries; start += size) {
      const rest = [...best.slice(0, start), ...best.slice(start + size)];
      tries++;
      if (!await fails(rest)) continue;
      best = rest;
      parts = Math.max(2, parts - 1);
      hasShrunk = true;
      break;
    }
    if (hasShrunk) continue;
    if (size <= 1) return best;
    parts = Math.min(best.length, 2 * parts);
  }
  return best;
}
