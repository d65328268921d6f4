/** Values that do not travel are neither clipped nor given noise. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  ClientSGDHandler,
  digits,
  initialParameters,
  mlp,
  type ModelDescription,
  parseStrategy,
  Simulation,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { CentralPrivacy, type CentralPrivacyOptions } from "../../src/privacy/mod.ts";
import { DEFAULT_PLAN } from "../../src/round/handler/client_plan.ts";
import { travellingPart } from "../../src/train/models/travelling_part.ts";
import { frozenModel } from "../helpers/frozen_model.ts";
import { runSync } from "../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const all = await digits();
const CLIENTS = 4, rounds = 2;
const parts = Array.from(
  { length: CLIENTS },
  (_, part) => Array.from({ length: 20 }, (_, i) => 20 * part + i),
);
const OPTIONS: CentralPrivacyOptions = {
  ...{ mechanism: "ftrl", epsilon: 8, delta: 1e-3 },
  ...{ rounds, clients: CLIENTS, cohort: 2 },
};
const whole = mlp({ inputShape: [8, 8, 1], hiddenUnits: 16, numClasses: 10 });

const CASES = {
  frozen: { model: frozenModel(16), then: "fedavg" },
  "frozen, with a server optimizer": { model: frozenModel(16), then: "fedadam" },
  fedper: { model: whole, then: "fedper:local=logits/" },
};

async function handlerOf(
  { model, then }: { model: ModelDescription; then: string },
  mechanism: CentralPrivacyOptions["mechanism"],
) {
  const initial = await initialParameters(model, 1, { engine: "native" });
  return new SyncParameterServerHandler({
    ...{ ...initial, model, plan: { epochs: 1, batchSize: 10 }, seed: 1, fraction: 0.5 },
    strategy: new CentralPrivacy({ ...OPTIONS, mechanism, then: parseStrategy(then) }),
  });
}

for (const mechanism of ["ftrl", "fedavg"] as const) {
  for (const [name, settings] of Object.entries(CASES)) {
    Deno.test(`${name}: noise by ${mechanism} leaves what does not travel as it was`, async () => {
      for (const isLive of [false, true]) {
        const handler = await handlerOf(settings, mechanism);
        const before = handler.parameters.slice();
        const { manifest, model, plan: { rule } } = handler;
        const part = travellingPart(manifest, model, rule);
        assert(part !== undefined && part.length < manifest.length);
        let report;
        if (isLive) {
          const clients = parts.map((rows) => new ClientSGDHandler({ data: all.select(rows) }));
          report = await runSync(handler, { clients, rounds });
          for (const client of clients) await client[Symbol.asyncDispose]();
        } else {
          report = await new Simulation(handler, {
            ...{ train: all, test: all, parts, rounds, workers: 1 },
          }).run();
        }
        assertEquals(report.rounds.length, rounds);
        assertEquals(report.privacy?.dimension, part.length);
        const bits = (vector: Float32Array<ArrayBuffer>) =>
          new Uint32Array(part.takeOthers(vector).buffer);
        assertEquals(bits(handler.parameters), bits(before));
        // All values that travel have noise.
        const [from, to] = [part.take(before), part.take(handler.parameters)];
        const moved = from.filter((value, i) => value !== to[i]).length;
        assert(moved > 0.99 * part.length, `${moved} of ${part.length}`);
      }
    });
  }
}

Deno.test("CentralPrivacy clips by the values that travel alone, and gives no others noise", () => {
  const { epsilon: _, ...rest } = OPTIONS;
  const strategy = new CentralPrivacy({ ...rest, noise: 0.05, clip: 1, noiseSeed: 1 });
  const global = new Float32Array([5, 0, 7, 0]);
  // The third value is a frozen variance, which is no obstacle.
  const fixed = [[0, 1], [2, 3]] as const, untrained = [[2, 3]] as const;
  const info = { round: 1, numClients: CLIENTS, plan: DEFAULT_PLAN, fixed, untrained };
  const round = strategy.begin(global, info);
  // What a client of an earlier version sends there does not count, nor make the rest smaller.
  round.accept({ rank: 1, parameters: new Float32Array([1e6, 0.6, -1e6, 0.8]), numSamples: 1 });
  const [a, b = NaN, c, d = NaN] = round.finish();
  assertEquals([a, c], [5, 7]);
  assertAlmostEquals(b, 0.6 / 2, 0.12);
  assertAlmostEquals(d, 0.8 / 2, 0.12);
  assertEquals(strategy.privacy.report.dimension, 2);
  const more = { ...info, round: 2, untrained: [[2, 3], [3, 4]] as const };
  assertThrows(() => strategy.begin(global, more), RangeError, "moving statistics");
});
