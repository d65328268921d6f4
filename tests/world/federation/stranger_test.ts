import { assert, assertEquals } from "@std/assert";
import { Counts } from "../../../src/world/coverage/counts.ts";
import { MACHINES } from "../../../src/world/coverage/table.ts";
import { during } from "../../../src/world/faults/schedule.ts";
import { isMistaken, MISTAKES } from "../../../src/world/federation/mistakes.ts";
import type { FederationPlan } from "../../../src/world/federation/plan.ts";
import { play } from "../../../src/world/play.ts";
import { SMALL_PLAN } from "../small_plan.ts";

const PLAN: FederationPlan = {
  ...SMALL_PLAN,
  ...{ clients: 3, minClients: 1, rounds: 4, quorum: 0.3, trainSeconds: [20, 40] },
  ...{ heartbeatSeconds: 1, asksForRank: false },
};
/** Faults by which each mistake is refused, on the side that finds it. */
const REFUSALS: { readonly [mistake: string]: string } = {
  "no proof": "refusals of the client, any: not-authorized -> any",
  "wrong token": "refusals of the server, any: not-authorized -> any",
  "another model": "refusals of the client, any: manifest-mismatch -> any",
  "a rank above all": "refusals of the server, any: rank-out-of-range -> any",
  "another world size": "refusals of the server, any: world-size-mismatch -> any",
  "secure aggregation": "refusals of the client, any: secure-mismatch -> any",
  "privacy": "refusals of the client, any: privacy-mismatch -> any",
  "another mode": "refusals of the client, any: mode-mismatch -> any",
};

Deno.test("a newcomer is refused by its mistake, while a rank is free", async () => {
  // Client 3 is away, and its rank is soon free.
  const schedule = during(1, 150, { kind: "power", machine: "client-3" });
  for (const mistake of MISTAKES) {
    assert(isMistaken(mistake, PLAN));
    const counts = new Counts(MACHINES);
    const { violations } = await play({
      ...{ seed: 1, mode: "liveness", schedule },
      plan: { ...PLAN, mistake },
    }, { counts, undisturbed: "not compared" });
    assertEquals(violations, [], mistake);
    assert(counts.countOf(REFUSALS[mistake] ?? "") > 0, mistake);
  }
});
