import { assert, assertEquals } from "@std/assert";
import { Federation } from "../../src/world/federation/federation.ts";
import type { FederationPlan } from "../../src/world/federation/plan.ts";
import type { HistoryEntry, TimedEntry } from "../../src/world/history.ts";
import { judge } from "../../src/world/invariants/invariants.ts";
import { World } from "../../src/world/mod.ts";

const PLAN: FederationPlan = {
  ...{ seed: 5, clients: 4, rounds: 4, length: 12, strategy: "fedadam", isAsync: false },
  ...{ proof: "key", asksForRank: false, isMasked: false, fraction: 1, overSelection: 0 },
  ...{ quorum: 1, minClients: 4, evaluates: "server", trainSeconds: [1, 10] },
  ...{ roundSeconds: 600, heartbeatSeconds: 5, joinSeconds: 300 },
};

/** Runs a federation without faults. */
async function run(plan: FederationPlan): Promise<Federation> {
  const federation = new Federation(new World({ seed: plan.seed }), plan);
  await federation.start();
  await federation.world.run(() => federation.hasEnded, 3_600_000);
  assert(federation.hasEnded);
  return federation;
}

/** Returns the names of the rules that a history breaks. */
function brokenBy(federation: Federation, entries: readonly TimedEntry[]): string[] {
  const { history } = federation, before = [...history.entries];
  history.entries.splice(0, before.length, ...entries);
  const circumstances = { schedule: [], isHealed: true, isEnded: true, undisturbed: undefined };
  const violations = judge({ federation, ...circumstances });
  history.entries.splice(0, entries.length, ...before);
  return [...new Set(violations.map(({ invariant }) => invariant))];
}

type Entry<Type extends HistoryEntry["type"]> = Extract<TimedEntry, { readonly type: Type }>;

/** Returns a history in which each entry of a type is changed, or followed by others. */
function changed<Type extends HistoryEntry["type"]>(
  { history }: Federation,
  type: Type,
  change: (entry: Entry<Type>) => readonly TimedEntry[],
): TimedEntry[] {
  return history.entries.flatMap((entry) =>
    entry.type === type ? change(entry as Entry<Type>) : [entry]
  );
}

/** Returns a vector with one other bit: by default the last one of a value. */
function nudged(vector: Float32Array, mask = 1): Float32Array<ArrayBuffer> {
  const copy = new Float32Array(vector), bits = new Uint32Array(copy.buffer);
  bits[3] = (bits[3] ?? 0) ^ mask;
  return copy;
}

Deno.test("judge() finds nothing in runs without faults", async () => {
  for (
    const plan of [
      PLAN,
      { ...PLAN, strategy: "scaffold" },
      { ...PLAN, strategy: "qfedavg" },
      { ...PLAN, strategy: "trimmed-mean:attackers=1" },
      { ...PLAN, isMasked: true },
      { ...PLAN, isAsync: true, strategy: "fedbuff:size=3" },
    ]
  ) {
    const federation = await run(plan);
    assertEquals(brokenBy(federation, federation.history.entries), [], plan.strategy);
  }
});

Deno.test("judge() finds a model that is not that of the updates, by one bit", async () => {
  const rule = "the model of a round is that of its clients' updates";
  for (const plan of [PLAN, { ...PLAN, isMasked: true }]) {
    const federation = await run(plan);
    const wrong = changed(federation, "round", (entry) => {
      return [entry.report.round === 3 ? { ...entry, model: nudged(entry.model) } : entry];
    });
    assertEquals(brokenBy(federation, wrong), [rule]);
    const other = changed(federation, "trained", (entry) => {
      const result = nudged(entry.result, 1 << 18);
      return [entry.machine === "client-2" ? { ...entry, result } : entry];
    });
    assert(brokenBy(federation, other).includes(rule));
  }
});

Deno.test("judge() finds a model out of its range", async () => {
  const federation = await run({ ...PLAN, isAsync: true, strategy: "fedasync" });
  const large = changed(federation, "round", (entry) => {
    return [{ ...entry, model: entry.model.map((x) => 1e30 * x) }];
  });
  assertEquals(brokenBy(federation, large), ["the model stays in its range"]);
});

Deno.test("judge() finds an update that is counted twice, and one that nobody trained", async () => {
  const federation = await run(PLAN), rule = "an update is counted at most once";
  assert(
    brokenBy(federation, changed(federation, "taken", (entry) => [entry, entry]))
      .includes(rule),
  );
  const unknown = changed(federation, "taken", (entry) => {
    return [{ ...entry, vector: nudged(entry.vector) }];
  });
  assert(brokenBy(federation, unknown).includes(rule));
});

Deno.test("judge() finds a round below its quorum", async () => {
  const federation = await run(PLAN);
  const few = changed(federation, "round", (entry) => {
    return [{ ...entry, report: { ...entry.report, received: 3 } }];
  });
  assert(brokenBy(federation, few).includes("a round has its quorum"));
});

Deno.test("judge() finds a report of other rounds than those that were told", async () => {
  const federation = await run(PLAN);
  const other = changed(federation, "finished", (entry) => {
    const [first, ...rest] = entry.report.rounds;
    assert(first !== undefined);
    const rounds = [{ ...first, cohort: [1, 2] }, ...rest];
    return [{ ...entry, report: { ...entry.report, rounds } }];
  });
  assertEquals(brokenBy(federation, other), ["the report tells of the rounds as they were"]);
  const twice = changed(federation, "round", (entry) => [entry, entry]);
  assert(brokenBy(federation, twice).includes("the report tells of the rounds as they were"));
});

Deno.test("judge() finds that a server has gone on from an earlier round than it had saved", async () => {
  const federation = await run(PLAN);
  const back = changed(federation, "finished", (entry) => {
    return [{ type: "started", machine: "server", resumedFrom: 2, at: 0 }, entry];
  });
  assert(brokenBy(federation, back).includes("what was saved is kept"));
});

Deno.test("judge() finds long reasons in the history of a run", async () => {
  const federation = await run(PLAN);
  const long = changed(federation, "round", (entry) => {
    const losses = [{ rank: 9, reason: "x".repeat(201) }];
    return [{ ...entry, report: { ...entry.report, losses } }];
  });
  assertEquals(brokenBy(federation, long), [
    "files grow with the model, the clients and the rounds alone",
  ]);
});

Deno.test("judge() finds torn results, and files that grow", async () => {
  const federation = await run(PLAN);
  const torn = changed(federation, "found", (entry) => [{ ...entry, isWhole: false }]);
  assertEquals(brokenBy(federation, torn), ["results are whole at any time"]);
  for (
    const path of ["/run/checkpoints/round-000003.safetensors", "/run/checkpoints/history.jsonl"]
  ) {
    const large = changed(federation, "saved", (entry) => {
      return [{ ...entry, sizes: new Map([...entry.sizes, [path, 100_000]]) }];
    });
    assertEquals(brokenBy(federation, large), [
      "files grow with the model, the clients and the rounds alone",
    ]);
  }
});

Deno.test("judge() finds a rank that is given to another key, also by a server that goes on", async () => {
  const federation = await run(PLAN);
  const [second] = federation.history.of("admitted").filter(({ rank }) => rank === 2);
  assert(second !== undefined);
  const stolen = { ...second, address: "world office:40000" };
  assert(
    brokenBy(federation, [...federation.history.entries, stolen])
      .includes("a rank has one owner"),
  );
  const resumed = { type: "started", machine: "server", resumedFrom: 4, at: 0 } as const;
  assert(
    brokenBy(federation, [...federation.history.entries, resumed, stolen])
      .includes("a rank has one owner"),
  );
});

Deno.test("judge() finds a client that has come back under another rank", async () => {
  const federation = await run({ ...PLAN, proof: "none" });
  const [second] = federation.history.of("admitted");
  assert(second !== undefined);
  const resumed = { type: "started", machine: "server", resumedFrom: 4, at: 0 } as const;
  const entries = [...federation.history.entries, resumed, { ...second, rank: 5 }];
  assertEquals(brokenBy(federation, entries), ["a client that comes back has its rank"]);
});

Deno.test("judge() finds shares of two attempts at a round", async () => {
  const federation = await run({ ...PLAN, isMasked: true });
  assert(federation.history.of("revealed").length >= 12);
  const twice = changed(federation, "revealed", (entry) => {
    return [entry, { ...entry, attempt: entry.attempt + 1 }];
  });
  assertEquals(brokenBy(federation, twice), ["no client reveals shares twice"]);
});

Deno.test("judge() finds models of a private run that are in no account", async () => {
  const plan = { ...PLAN, strategy: "fedavg", privacy: "ftrl:epsilon=8,delta=1e-5,clip=1" };
  const federation = await run(plan);
  assertEquals(brokenBy(federation, federation.history.entries), []);
  const again = changed(federation, "round", (entry) => {
    return [{ ...entry, model: nudged(entry.model) }, entry];
  });
  assert(brokenBy(federation, again).includes("the privacy of a run is accounted"));
});

Deno.test("judge() finds updates that are in no ledger", async () => {
  const clientPrivacy = "local:epsilon=8,delta=1e-5,clip=1,rounds=10";
  const federation = await run({ ...PLAN, strategy: "fedavg", clientPrivacy });
  assertEquals(brokenBy(federation, federation.history.entries), []);
  assertEquals(federation.history.of("sent").length, 16);
  const more = changed(federation, "sent", (entry) => {
    return [entry, { ...entry, vector: nudged(entry.vector) }];
  });
  assertEquals(brokenBy(federation, more), ["the ledger of a client has what it has sent"]);
});

Deno.test("judge() finds who is harmed without faults", async () => {
  const federation = await run(PLAN),
    rule = "who keeps to the rules is not harmed by those who do not";
  const dead = changed(federation, "finished", (entry) => {
    return [{ type: "ended", machine: "client-1", by: "error", error: "no loss", at: 0 }, entry];
  });
  assertEquals(brokenBy(federation, dead), [rule]);
  const lost = changed(federation, "round", (entry) => {
    const losses = [{ rank: 1, reason: "no answer within 600 seconds" }];
    return [{ ...entry, report: { ...entry.report, losses } }];
  });
  assertEquals(brokenBy(federation, lost), [rule]);
});
