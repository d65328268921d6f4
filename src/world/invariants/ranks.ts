import type { Invariant } from "./invariant.ts";
import { machineOf } from "./model_of_updates.ts";

/**
 * A rank belongs to the key that has had it first for the rest of the run, and each key has one
 * rank: also after the server has gone on from a checkpoint, as far as that knows of it.
 */
export const ranksAreUnique: Invariant = {
  name: "a rank has one owner",
  breaches({ federation: { history, plan } }) {
    if (plan.proof !== "key") return [];
    const breaches: string[] = [];
    /** Machine by rank: now, when the last round was opened, and in the checkpoint of a round. */
    let owners = new Map<number, string>(), atOpening = new Map<number, string>();
    const saved = new Map<number, ReadonlyMap<number, string>>();
    for (const entry of history.entries) {
      switch (entry.type) {
        case "opened":
          atOpening = new Map(owners);
          break;
        case "saved":
          saved.set(entry.round, atOpening);
          if (plan.isAsync) atOpening = new Map(owners);
          break;
        case "started":
          if (entry.machine !== "server") break;
          owners = new Map(saved.get(entry.resumedFrom ?? 0) ?? []);
          atOpening = new Map(owners);
          break;
        case "admitted": {
          const { rank } = entry, machine = machineOf(entry.address), owner = owners.get(rank);
          if (owner !== undefined && owner !== machine) {
            breaches.push(`rank ${rank} of ${owner} was given to ${machine}`);
          }
          for (const [other, its] of owners) {
            if (its !== machine || other === rank) continue;
            breaches.push(`${machine} has ranks ${other} and ${rank}`);
          }
          owners.set(rank, machine);
        }
      }
    }
    return breaches;
  },
};
