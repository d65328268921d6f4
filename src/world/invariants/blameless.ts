import { machineOf } from "./model_of_updates.ts";
import type { Invariant } from "./invariant.ts";

/**
 * Without faults nothing happens to those who keep to the rules, whatever others do: no process of
 * theirs ends by an error, no connection is taken from them, and their updates count.
 */
export const blamelessAreUnharmed: Invariant = {
  name: "who keeps to the rules is not harmed by those who do not",
  breaches({ federation: { history, plan }, schedule }) {
    if (schedule.length > 0 || plan.rogue !== undefined) return [];
    const hostile = new Set((plan.hostile ?? []).map(({ client }) => `client-${client}`));
    const breaches: string[] = [];
    const owners = new Map<number, string>();
    /** Machines whose process began when the last round had ended: it may find no server. */
    const late = new Set<string>();
    let isOver = false;
    for (const entry of history.entries) {
      if (entry.type === "started" && isOver) late.add(entry.machine);
      if (entry.type === "round" && entry.report.round === plan.rounds) isOver = true;
      if (entry.type === "ended" && entry.by !== "return" && !hostile.has(entry.machine)) {
        const { machine, by, error = "" } = entry;
        if (!late.has(machine)) breaches.push(`the process on ${machine} ended by ${by}: ${error}`);
      }
      if (entry.type === "admitted") owners.set(entry.rank, machineOf(entry.address));
      if (entry.type !== "round" || plan.overSelection > 0 || plan.isAsync) continue;
      const { report: { round, losses = [] } } = entry;
      for (const { rank, reason } of losses) {
        const owner = owners.get(rank) ?? "";
        if (owner.startsWith("client-") && !hostile.has(owner)) {
          breaches.push(`round ${round} has lost the update of ${owner}: ${reason}`);
        }
      }
    }
    return breaches;
  },
};
