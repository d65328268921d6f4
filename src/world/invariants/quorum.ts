import { updatesWanted } from "../federation/server_parts.ts";
import type { Invariant } from "./invariant.ts";

/**
 * A round is made of as many updates as its quorum asks for, by the size of the whole group and not
 * of what is left of it.
 */
export const quorumIsKept: Invariant = {
  name: "a round has its quorum",
  breaches({ federation: { history, plan } }) {
    if (plan.isAsync) return [];
    const least = Math.max(
      1,
      Math.min(Math.ceil(updatesWanted(plan) * plan.quorum), plan.minClients),
    );
    return history.of("round").filter(({ report }) => report.received < least).map(({ report }) =>
      `round ${report.round} is made of ${report.received} updates, and its quorum is ${least}`
    );
  },
};
