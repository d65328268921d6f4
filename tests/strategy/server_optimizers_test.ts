import { assertAlmostEquals, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  CoordinateMedian,
  FedAdagrad,
  FedAdam,
  FedAvg,
  FedAvgM,
  FedYogi,
  NormClipping,
  type ParameterVector,
  type Strategy,
} from "../../mod.ts";
import type { ServerOptimizer } from "../../src/strategy/mod.ts";
import { bitsOf, normalVector, roundOf, updateOf } from "../../src/testing/strategy/updates.ts";
import { testStrategy } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

testStrategy(() => new FedAvgM({ momentum: 0.7, learningRate: 0.5 }), { agrees: false });
testStrategy(() => new FedAdagrad(), { agrees: false });
testStrategy(() => new FedAdam(), { agrees: false });
testStrategy(() => new FedYogi(), { agrees: false });
testStrategy(
  () => new FedAdam({ mean: new NormClipping({ bound: 1, mean: new CoordinateMedian() }) }),
  { agrees: false },
);
testStrategy(() => new FedYogi({ mean: new FedAvgM() }), { agrees: false });

const LENGTH = 257;

/** Three rounds with updates that do not depend on the global vector, of which each adds to it. */
function threeRounds(strategy: Strategy): ParameterVector[] {
  let global = normalVector(LENGTH, 0);
  return [1, 2, 3].map((round) => {
    const updates = [1, 2, 3, 4].map((rank) =>
      updateOf(rank, normalVector(LENGTH, 10 * round + rank))
    );
    global = roundOf(strategy, global, updates);
    return global;
  });
}

/** The same in float64, one coordinate after the other, by a rule from the paper. */
function checkAgainst(
  strategy: Strategy,
  rule: () => (global: number, change: number) => number,
): void {
  const found = threeRounds(strategy);
  const samples = [1, 8, 15, 22];
  for (let i = 0; i < LENGTH; i++) {
    const step = rule();
    let global = normalVector(LENGTH, 0)[i] ?? NaN;
    for (const [r, vector] of found.entries()) {
      const mean = samples.reduce((sum, n, k) =>
        sum + n * (normalVector(LENGTH, 10 * (r + 1) + k + 1)[i] ?? NaN), 0) / 46;
      global = step(global, mean - global);
      assertAlmostEquals(vector[i] ?? NaN, global, 2e-6, `round ${r + 1}, coordinate ${i}`);
    }
    if (i === 12) i = LENGTH - 3;
  }
}

Deno.test("FedAvgM with momentum 0 and learning rate 1 is FedAvg bit for bit", () => {
  const avg = threeRounds(new FedAvg());
  const withMomentum = threeRounds(new FedAvgM({ momentum: 0, learningRate: 1 }));
  assertEquals(withMomentum.map(bitsOf), avg.map(bitsOf));
});

Deno.test("FedAvgM is v = βv + Δ, w += ηv, in float64 over three rounds", () => {
  checkAgainst(new FedAvgM({ momentum: 0.8, learningRate: 0.3 }), () => {
    let v = 0;
    return (w, delta) => w + 0.3 * (v = 0.8 * v + delta);
  });
});

Deno.test("FedAdagrad is algorithm 2 of Reddi et al. in float64 over three rounds", () => {
  checkAgainst(new FedAdagrad({ learningRate: 0.2, beta1: 0.5, tau: 0.01 }), () => {
    let m = 0, v = 0.01 ** 2;
    return (w, delta) => {
      m = 0.5 * m + 0.5 * delta;
      v = v + delta ** 2;
      return w + 0.2 * m / (Math.sqrt(v) + 0.01);
    };
  });
});

Deno.test("FedAdam is algorithm 2 of Reddi et al. in float64 over three rounds, biased as it is", () => {
  checkAgainst(new FedAdam({ learningRate: 0.05 }), () => {
    let m = 0, v = 1e-6;
    return (w, delta) => {
      m = 0.9 * m + 0.1 * delta;
      v = 0.99 * v + 0.01 * delta ** 2;
      return w + 0.05 * m / (Math.sqrt(v) + 1e-3);
    };
  });
});

Deno.test("FedYogi is algorithm 2 of Reddi et al. in float64 over three rounds", () => {
  checkAgainst(new FedYogi({ learningRate: 0.05, beta1: 0.8, beta2: 0.6, tau: 2 }), () => {
    let m = 0, v = 4;
    return (w, delta) => {
      m = 0.8 * m + 0.2 * delta;
      v = v - 0.4 * delta ** 2 * Math.sign(v - delta ** 2);
      return w + 0.05 * m / (Math.sqrt(v) + 2);
    };
  });
});

Deno.test("a server optimizer takes its step from the mean it is given", () => {
  const outlier = updateOf(3, new Float32Array([1e9]));
  const updates = [updateOf(1, new Float32Array([1])), updateOf(2, new Float32Array([2])), outlier];
  const strategy = new FedAvgM({ mean: new CoordinateMedian() });
  assertEquals([...roundOf(strategy, new Float32Array(1), updates)], [2]);
  assertEquals(strategy.name, "fedavgm of median");
});

Deno.test("a server optimizer takes no step in a round without updates", () => {
  const strategy = new FedAvgM();
  const global = new Float32Array([1]);
  roundOf(strategy, global, [updateOf(1, new Float32Array([2]))]);
  const before = strategy.save().vectors?.momentum?.slice();
  assertEquals([...roundOf(strategy, global, [])], [1]);
  assertEquals(strategy.save().vectors?.momentum, before);
});

Deno.test("a server optimizer refuses options out of range and a state of another kind", () => {
  const error = (make: () => unknown, message: string) =>
    assertThrows(make, RangeError, `Cannot make ${message}`);
  error(() => new FedAvgM({ momentum: 1 }), "fedavgm: expected momentum to be a number from 0 and");
  error(() => new FedAvgM({ learningRate: 0 }), "fedavgm: expected learningRate");
  error(() => new FedAdagrad({ beta1: -0.1 }), "fedadagrad: expected beta1");
  error(() => new FedAdam({ tau: 0 }), "fedadam: expected tau to be a number above 0, got 0");
  error(() => new FedYogi({ beta2: 1 }), "fedyogi: expected beta2");
  const adam = new FedAdam();
  const m = new Float32Array(3);
  assertThrows(() => adam.restore({ vectors: { m } }), TypeError, "expected a vector v, got none");
  adam.restore({ vectors: { m, v: new Float32Array(4) } });
  assertThrows(
    () => adam.begin(new Float32Array(3)),
    RangeError,
    "Cannot go on with fedadam: expected 3 values of v, got 4",
  );
  const typed: ServerOptimizer<"m" | "v"> = adam;
  typed.restore({});
  assertEquals(typed.save(), {});
});
