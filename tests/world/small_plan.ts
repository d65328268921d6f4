import type { FederationPlan } from "../../src/world/federation/plan.ts";

/** Federation of two clients and three rounds, in which all is quick and nothing is left out. */
export const SMALL_PLAN: FederationPlan = {
  ...{ seed: 1, clients: 2, minClients: 2, rounds: 3, length: 12, strategy: "fedavg" },
  ...{ isAsync: false, proof: "token", asksForRank: true, isMasked: false, evaluates: "server" },
  ...{ fraction: 1, overSelection: 0, quorum: 1, trainSeconds: [1, 2] },
  ...{ roundSeconds: 600, heartbeatSeconds: 5, joinSeconds: 300 },
};
