import type { Invariant } from "./invariant.ts";

/**
 * A round that the server has called saved is never lost: a server that starts again goes on from
 * it or from a later one, unless its disk lies about syncs.
 */
export const durable: Invariant = {
  name: "what was saved is kept",
  breaches({ federation: { history }, schedule }) {
    const isUnsound = schedule.some(({ fault }) =>
      fault.kind === "disk" && fault.fault.liesAboutSync
    );
    if (isUnsound) return [];
    const breaches: string[] = [];
    let saved = 0;
    for (const entry of history.entries) {
      if (entry.type === "saved") saved = Math.max(saved, entry.round);
      if (entry.type !== "started" || entry.machine !== "server") continue;
      const from = entry.resumedFrom ?? 0;
      if (from < saved) {
        breaches.push(`the server went on from round ${from}, but round ${saved} was saved`);
      }
    }
    return breaches;
  },
};
