import { Kernels } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { Strategy } from "../../strategy/strategy.ts";
import { assert, assertAlmostEquals, assertEquals } from "../deps.ts";
import { registerTest, type TestOptions } from "../register.ts";
import { testExactRounds } from "./exact_rounds.ts";
import { bitsOf, INFO, normalVector, roundOf, updateOf } from "./updates.ts";

/** Options of {@linkcode testStrategy}. */
export interface StrategyTestOptions extends TestOptions {
  /**
   * Number of updates that a round needs.
   *
   * @default 1
   */
  readonly updates?: number;
  /**
   * Tests that clients that send the same vector get it as the result. A strategy whose server
   * takes a step of its own sets it to `false`.
   *
   * @default true
   */
  readonly agrees?: boolean;
}

/**
 * Registers the tests that every strategy passes, whatever its algorithm: it changes neither the
 * global vector nor the updates, keeps no view of them, goes on from what it saved, and takes
 * its working vectors from the arena once. One with `sums` also gives the same result, bit for bit,
 * whatever the order and the grouping of the updates, where a round's sums are exact.
 *
 * @param make Makes a strategy. Its name stands in the names of the tests.
 * @param options Options of the tests.
 *
 * @example
 * ```ts ignore
 * import { TrimmedMean } from "@fedlab/core";
 * import { testStrategy } from "@fedlab/core/testing";
 *
 * testStrategy(() => new TrimmedMean(), { updates: 3 });
 * ```
 */
export function testStrategy(make: () => Strategy, options: StrategyTestOptions = {}): void {
  const { updates: least = 1, agrees = true } = options;
  const { name, save } = make();
  const register = registerTest(options);
  const test = (claim: string, run: () => void) =>
    register(`${name}: ${claim}`, () => {
      run();
      return Promise.resolve();
    });
  const updatesOf = (length: number) =>
    Array.from({ length: least + 2 }, (_, i) => updateOf(i + 1, normalVector(length, i + 1)));

  test("finish() without an update gives the vector that the round began with", () => {
    const global = new Float32Array([1, -2, 3]);
    assert(make().begin(global, INFO).finish() === global);
    assertEquals([...global], [1, -2, 3]);
  });

  test("a round does not change the global vector or the updates", () => {
    const global = normalVector(100, 0), updates = updatesOf(100);
    const before = [...global], sent = updates.map(({ parameters }) => [...parameters]);
    roundOf(make(), global, updates);
    assertEquals([...global], before);
    assertEquals(updates.map(({ parameters }) => [...parameters]), sent);
  });

  test("an update's view is not used after the call", () => {
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
    test("a second round begins afresh, after one of other updates or one given up", () => {
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
    test("a strategy that takes up what another kept goes on as that does, bit for bit", () => {
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
    test("clients that agree leave the parameters where they agree", () => {
      const global = normalVector(64, 0), update = normalVector(64, 1);
      const updates = updatesOf(64).map((one) => ({ ...one, parameters: update, steps: 4 }));
      roundOf(make(), global, updates).forEach((value, i) =>
        assertAlmostEquals(value, update[i] ?? NaN, 1e-6)
      );
    });
  }

  test("an arena gives the same bits as plain arrays", () => {
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

  test("takes its working vectors from the arena, and no more in later rounds", () => {
    const kernels = Kernels.create(2 ** 20);
    const global = kernels.alloc(1024).fill(1);
    const free = kernels.available;
    const strategy = make();
    for (let i = 0; i < 3; i++) {
      roundOf(strategy, global, updatesOf(1024));
      assertEquals(free - kernels.available, strategy.workingVectors * global.byteLength);
    }
  });

  testExactRounds(make, test);
}
