import type { Invariant } from "./invariant.ts";

/**
 * No two clients have a rank at the same time, and a rank that a key has taken is of no other key
 * until its client is given up.
 */
export const ranksAreUnique: Invariant = {
  name: "a rank has one owner",
  breaches({ federation: { history, plan } }) {
    const breaches: string[] = [];
    /** Machine by rank, as the server has admitted them. */
    const owners = new Map<number, string>();
    for (const entry of history.entries) {
      if (entry.type === "lost") owners.delete(entry.rank);
      // A server that starts again knows the ranks of its checkpoint alone.
      if (entry.type === "started" && entry.machine === "server") owners.clear();
      if (entry.type !== "admitted") continue;
      const machine = entry.address.replace(/^world (.*):\d+$/, "$1");
      const owner = owners.get(entry.rank);
      if (plan.proof === "key" && owner !== undefined && owner !== machine) {
        breaches.push(`rank ${entry.rank} of ${owner} was given to ${machine}`);
      }
      for (const [rank, other] of owners) {
        if (other === machine && rank !== entry.rank && plan.proof === "key") {
          breaches.push(`${machine} has ranks ${rank} and ${entry.rank}`);
        }
      }
      owners.set(entry.rank, machine);
    }
    return breaches;
  },
};
