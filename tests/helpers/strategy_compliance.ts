import { assert, assertAlmostEquals, assertEquals } from "jsr:@std/assert@1.0.19";
import {
  type ClientUpdate,
  DEFAULT_PLAN,
  Kernels,
  type ParameterVector,
  Random,
  type Strategy,
} from "../../mod.ts";

/** A vector of standard normal numbers. */
export function normalVector(length: number, rank: number): ParameterVector {
  const random = new Random(11, "test", { rank });
  return Float32Array.from({ length }, () => random.normal());
}

/** An update that has all that any strategy needs. */
export function updateOf(
  rank: number,
  parameters: ParameterVector,
  more: Partial<ClientUpdate> = {},
): ClientUpdate {
  const metrics = { initialLoss: 0.5 + rank / 8 };
  return { rank, parameters, numSamples: 7 * rank - 6, steps: 1 + rank % 3, metrics, ...more };
}

/** What a strategy is told of a round. */
export const INFO = { round: 1, numClients: 20, plan: DEFAULT_PLAN };

/** A round of that strategy, from beginning to end; the result is a copy. */
export function roundOf(
  strategy: Strategy,
  global: ParameterVector,
  updates: readonly ClientUpdate[],
): ParameterVector {
  const round = strategy.begin(global, INFO);
  for (const update of updates) round.accept(update);
  return round.finish().slice();
}

/** A vector's bits, so that -0 and NaN count too. */
export function bitsOf(vector: ParameterVector): Uint32Array {
  return new Uint32Array(vector.slice().buffer);
}

/** What does not hold for every algorithm. */
export interface ComplianceOptions {
  /** Updates that a round needs. Default 1. */
  updates?: number;
  /** Whether the result is what all clients agree on; not so where the server takes a step of its own. Default true. */
  agrees?: boolean;
}

/** What every strategy does, whatever its algorithm. */
export function testStrategyCompliance(
  make: () => Strategy,
  { updates: least = 1, agrees = true }: ComplianceOptions = {},
): void {
  const { name, save } = make();
  const updatesOf = (length: number) =>
    Array.from({ length: least + 2 }, (_, i) => updateOf(i + 1, normalVector(length, i + 1)));

  Deno.test(`${name}: finish() without an update gives the vector that the round began with`, () => {
    const global = new Float32Array([1, -2, 3]);
    assert(make().begin(global, INFO).finish() === global);
    assertEquals([...global], [1, -2, 3]);
  });

  Deno.test(`${name}: a round does not change the global vector or the updates`, () => {
    const global = normalVector(100, 0), updates = updatesOf(100);
    const before = [...global], sent = updates.map(({ parameters }) => [...parameters]);
    roundOf(make(), global, updates);
    assertEquals([...global], before);
    assertEquals(updates.map(({ parameters }) => [...parameters]), sent);
  });

  Deno.test(`${name}: an update's view is not used after the call`, () => {
    const global = normalVector(100, 0), updates = updatesOf(100);
    const round = make().begin(global, INFO);
    const buffer = new Float32Array(100);
    for (const update of updates) {
      buffer.set(update.parameters);
      round.accept({ ...update, parameters: buffer });
    }
    buffer.fill(NaN);
    assertEquals(bitsOf(round.finish()), bitsOf(roundOf(make(), global, updates)));
  });

  if (save === undefined) {
    Deno.test(`${name}: a second round begins afresh, after one of other updates or one given up`, () => {
      const strategy = make();
      const global = normalVector(50, 0), updates = updatesOf(50);
      const [first = updateOf(1, global)] = updates;
      const expected = bitsOf(roundOf(strategy, global, updates));
      roundOf(
        strategy,
        global,
        [...updates, ...updates].map((update, i) => ({
          ...update,
          rank: i + 1,
          parameters: normalVector(50, 40 + i),
        })),
      );
      strategy.begin(global, INFO).accept(first);
      assertEquals(bitsOf(roundOf(strategy, global, updates)), expected);
    });
  } else {
    Deno.test(`${name}: a strategy that takes up what another kept goes on as that does, bit for bit`, () => {
      const strategy = make(), restored = make();
      let global = normalVector(50, 0);
      const next = (from: Strategy) => {
        const updates = updatesOf(50).map((update) => ({
          ...update,
          parameters: update.parameters.map((x, i) => (global[i] ?? 0) + x / 10),
        }));
        return roundOf(from, global, updates);
      };
      global = next(strategy);
      global = next(strategy);
      const { vectors = {}, json } = strategy.save?.() ?? {};
      const copies = Object.entries(vectors).map(([key, vector]) => [key, vector.slice()] as const);
      restored.restore?.({
        vectors: Object.fromEntries(copies),
        json: json === undefined ? json : JSON.parse(JSON.stringify(json)),
      });
      const expected = next(strategy);
      copies.forEach(([, vector]) => vector.fill(NaN));
      assertEquals(bitsOf(next(restored)), bitsOf(expected));
    });
  }

  if (agrees) {
    Deno.test(`${name}: clients that agree leave the parameters where they agree`, () => {
      const global = normalVector(64, 0), update = normalVector(64, 1);
      const updates = updatesOf(64).map((one) => ({ ...one, parameters: update, steps: 4 }));
      roundOf(make(), global, updates).forEach((value, i) =>
        assertAlmostEquals(value, update[i] ?? NaN, 1e-6)
      );
    });
  }

  Deno.test(`${name}: an arena gives the same bits as plain arrays`, () => {
    const plain = Array.from({ length: least + 3 }, (_, rank) => normalVector(4099, rank));
    const kernels = Kernels.create(2 ** 20);
    const inArena = plain.map((vector) => {
      const view = kernels.alloc(vector.length);
      view.set(vector);
      return view;
    });
    const run = ([global, ...updates]: ParameterVector[]) => {
      assert(global !== undefined);
      return bitsOf(roundOf(make(), global, updates.map((one, i) => updateOf(i + 1, one))));
    };
    assertEquals(run(inArena), run(plain));
  });

  Deno.test(`${name}: takes its working vectors from the arena, and no more in later rounds`, () => {
    const kernels = Kernels.create(2 ** 20);
    const global = kernels.alloc(1024).fill(1);
    const free = kernels.available;
    const strategy = make();
    for (let i = 0; i < 3; i++) {
      roundOf(strategy, global, updatesOf(1024));
      assertEquals(free - kernels.available, strategy.workingVectors * global.byteLength);
    }
  });
}
