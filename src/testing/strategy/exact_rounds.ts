import { Random } from "../../base/random.ts";
import { Kernels } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { ClientUpdate, Strategy } from "../../strategy/strategy.ts";
import { ExactSums } from "../../strategy/sums/exact_sums.ts";
import { assert, assertAlmostEquals, assertEquals } from "../deps.ts";
import { bitsOf, INFO, normalVector, roundOf, updateOf } from "./updates.ts";

const EXACT = { ...INFO, aggregation: "exact" } as const;
const CLIENTS = 12, ORDERS = 10, ROUNDS = 3;

/** Runs rounds of a strategy, each by a function, and returns the last result. */
function rounds(
  run: (global: ParameterVector, updates: readonly ClientUpdate[]) => ParameterVector,
): ParameterVector {
  let global = normalVector(101, 0);
  for (let round = 1; round <= ROUNDS; round++) {
    const updates = Array.from(
      { length: CLIENTS },
      (_, i) =>
        updateOf(i + 1, normalVector(101, round * CLIENTS + i).map((x, k) => (global[k] ?? 0) + x)),
    );
    global = run(global, updates);
  }
  return global;
}

/** Runs an exact round with the updates in that order. */
function exactRound(
  strategy: Strategy,
  global: ParameterVector,
  updates: Iterable<ClientUpdate>,
): ParameterVector {
  const round = strategy.begin(global, EXACT);
  for (const update of updates) {
    round.check?.(update);
    round.accept(update);
  }
  return round.finish().slice();
}

/** Registers the tests of a strategy whose step is a function of weighted sums. */
export function testExactRounds(
  make: () => Strategy,
  test: (claim: string, run: () => void) => void,
): void {
  const { sums: shape } = make();
  if (shape === undefined) return;
  const inOrder = () => {
    const strategy = make();
    return rounds((global, updates) => exactRound(strategy, global, updates));
  };

  test("exact rounds give one result in every order of the updates", () => {
    const expected = bitsOf(inOrder());
    for (let i = 1; i <= ORDERS; i++) {
      const strategy = make(), random = new Random(i, "test");
      const result = rounds((global, updates) =>
        exactRound(strategy, global, random.shuffle([...updates]))
      );
      assertEquals(bitsOf(result), expected);
    }
  });

  test("sums that were taken elsewhere and merged give the result of one round", () => {
    const strategy = make(), random = new Random(1, "test");
    const result = rounds((global, updates) => {
      const round = strategy.begin(global, EXACT);
      const parts = Array.from({ length: 3 }, () => new ExactSums(shape, global.length));
      const elsewhere = make();
      if (elsewhere.save) elsewhere.restore?.(structuredClone(strategy.save?.() ?? {}));
      const { contribution } = elsewhere.sumRound?.(global, EXACT) ?? {};
      assert(contribution !== undefined && round.merge !== undefined);
      for (const update of updates) {
        const part = parts[random.below(parts.length + 1)];
        if (part === undefined) round.accept(update);
        else part.add(contribution(update));
      }
      for (const part of random.shuffle(parts)) {
        const received = new ExactSums(shape, global.length);
        received.restore(part.save());
        round.merge(received);
      }
      return round.finish().slice();
    });
    assertEquals(bitsOf(result), bitsOf(inOrder()));
  });

  test("exact rounds are near those of a running mean", () => {
    const strategy = make();
    const running = rounds((global, updates) => roundOf(strategy, global, updates));
    inOrder().forEach((value, i) => assertAlmostEquals(value, running[i] ?? NaN, 1e-4));
  });

  test("takes its exact sums from the arena, and no more in later rounds", () => {
    const kernels = Kernels.create(2 ** 20);
    const global = kernels.alloc(1024).fill(1);
    const free = kernels.available, strategy = make();
    const bytes = strategy.workingVectors * global.byteLength + ExactSums.bytesOf(shape, 1024);
    for (let i = 0; i < 3; i++) {
      exactRound(strategy, global, [updateOf(1, normalVector(1024, 1))]);
      assertEquals(free - kernels.available, bytes);
    }
  });
}
