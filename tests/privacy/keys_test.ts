/** Participations of clients with keys are counted by key, whatever their ranks. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { DEFAULT_PLAN, SyncParameterServerHandler } from "../../mod.ts";
import { CentralPrivacy, type CentralPrivacyOptions } from "../../src/privacy/mod.ts";
import { Owners } from "../../src/privacy/ledger/owners.ts";
import { Participations } from "../../src/privacy/ledger/participations.ts";
import { vectorManifest } from "../helpers/fake_handler.ts";

const PLAN = { rounds: 8, clients: 4, cohort: 2 };

function strategyOf(mechanism: CentralPrivacyOptions["mechanism"] = "ftrl"): CentralPrivacy {
  return new CentralPrivacy({ mechanism, noise: 1, delta: 1e-3, ...PLAN });
}

/** Makes a round of these ranks. */
function round(strategy: CentralPrivacy, ranks: readonly number[]): void {
  const info = { round: 1, numClients: 4, plan: DEFAULT_PLAN };
  const open = strategy.begin(new Float32Array(2), info);
  for (const rank of ranks) open.accept(update(rank));
  open.finish();
}

function update(rank: number) {
  return { rank, parameters: new Float32Array([1, 0]), numSamples: 1 };
}

Deno.test("a client that comes back under another rank has the participations of its key", () => {
  const strategy = strategyOf();
  strategy.privacy.seat(1, "anna");
  strategy.privacy.seat(2, "bert");
  round(strategy, [1, 2]);
  // Anna has rank 3 now, and a new client rank 1.
  strategy.privacy.seat(3, "anna");
  strategy.privacy.seat(1, "carl");
  const open = strategy.begin(new Float32Array(2), {
    ...{ round: 2, numClients: 4, plan: DEFAULT_PLAN },
  });
  assertThrows(() => open.check?.(update(3)), RangeError, "rank 3: it took part 1 releases ago");
  open.check?.(update(1));
  // So it is in the account of a run that goes on.
  const resumed = strategyOf();
  resumed.restore(JSON.parse(JSON.stringify(strategy.save())));
  resumed.privacy.seat(4, "anna");
  const lastRound = () => 0;
  const selected = resumed.privacy.select({ available: [1, 2, 3, 4], count: 4, lastRound });
  assertEquals(selected, [1, 2, 3]);
});

Deno.test("a client without a key is known by its rank", () => {
  const strategy = strategyOf();
  strategy.privacy.seat(1, undefined);
  round(strategy, [1]);
  const open = strategy.begin(new Float32Array(2), {
    ...{ round: 2, numClients: 4, plan: DEFAULT_PLAN },
  });
  assertThrows(() => open.check?.(update(1)), RangeError, "rank 1: it took part");
});

for (const mechanism of ["ftrl", "fedavg"] as const) {
  Deno.test(`a key with two ranks takes part once in a round by ${mechanism}`, () => {
    const strategy = strategyOf(mechanism);
    const handler = new SyncParameterServerHandler({
      ...{ manifest: vectorManifest(2), parameters: new Float32Array(2), fraction: 0.5, strategy },
    });
    handler.onJoin(1, 10, "anna");
    handler.onJoin(2, 10, "anna");
    const open = strategy.begin(new Float32Array(2), {
      ...{ round: 1, numClients: 4, plan: DEFAULT_PLAN },
    });
    open.accept(update(1));
    assertThrows(() => open.check?.(update(2)), RangeError, "its key has taken part in this round");
    for (let attempt = 0; attempt < 20; attempt++) {
      const selected = handler.selectClients(1, [1, 2, 3, 4], 4, attempt);
      assert(!selected.includes(2), `${selected}`);
    }
  });
}

Deno.test("Participations counts what is left by key", () => {
  const owners = new Owners(), record = new Participations({ most: 1, separation: 1 }, owners);
  record.add(1, 1);
  assertEquals(record.countLeft(4), 3);
  owners.seat(2, "anna");
  record.add(2, 2);
  assertEquals(record.countLeft(4), 2);
  // The client of rank 2 has rank 3 now; rank 1 has a client that has not taken part.
  owners.seat(2, undefined);
  owners.seat(3, "anna");
  owners.seat(1, "bert");
  assertEquals(record.countLeft(4), 3);
  assertEquals(owners.distinct([4, 3, 2]), [2, 3, 4]);
});
