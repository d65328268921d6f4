import type { Invariant } from "./invariant.ts";
import { machineOf } from "./model_of_updates.ts";

/**
 * A client that comes back to a server, which may have started again meanwhile, has the rank that
 * it had, unless it was given up. Clients that ask for their rank, or begin anew, are left out.
 */
export const ranksAreKept: Invariant = {
  name: "a client that comes back has its rank",
  breaches({ federation: { history, plan } }) {
    if (plan.asksForRank || plan.hostile !== undefined || plan.rogue !== undefined) return [];
    const breaches: string[] = [];
    /** Rank by machine: now, when the last round was opened, and in the checkpoint of a round. */
    let ranks = new Map<string, number>(), atOpening = new Map<string, number>();
    const saved = new Map<number, ReadonlyMap<string, number>>();
    const forgetSaved = (machine: string) => {
      for (const [round, known] of saved) {
        saved.set(round, new Map([...known].filter(([other]) => other !== machine)));
      }
    };
    const forget = (isGone: (machine: string, rank: number) => boolean) => {
      for (const known of [ranks, atOpening]) {
        for (const [machine, rank] of known) if (isGone(machine, rank)) known.delete(machine);
      }
    };
    for (const entry of history.entries) {
      switch (entry.type) {
        case "opened":
          atOpening = new Map(ranks);
          break;
        case "saved":
          saved.set(entry.round, new Map(atOpening));
          break;
        case "lost":
          forget((_, rank) => rank === entry.rank);
          break;
        case "started":
          if (entry.machine === "server") {
            ranks = new Map(saved.get(entry.resumedFrom ?? 0) ?? []);
            atOpening = new Map(ranks);
          } else {
            forget((machine) => machine === entry.machine);
            forgetSaved(entry.machine);
          }
          break;
        case "admitted": {
          const { rank } = entry, machine = machineOf(entry.address), before = ranks.get(machine);
          if (before !== undefined && before !== rank) {
            breaches.push(`${machine} had rank ${before}, and has ${rank} now`);
          }
          // It was given up, and its session of before is over, also in the checkpoints.
          if (before === undefined) forgetSaved(machine);
          // Those who are expected back may lose their ranks to others.
          forget((other, its) => its === rank && other !== machine);
          ranks.set(machine, rank);
        }
      }
    }
    return breaches;
  },
};
