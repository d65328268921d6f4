import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import {
  Bulyan,
  type ClientUpdate,
  CoordinateMedian,
  FedAvg,
  GeometricMedian,
  Krum,
  MultiKrum,
  NormClipping,
  type ParameterVector,
  Random,
  type Strategy,
  TrimmedMean,
} from "../../mod.ts";
import type { GeometricMedianOptions } from "../../src/strategy/mod.ts";
import { bitsOf, normalVector, roundOf, updateOf } from "../../src/testing/strategy/updates.ts";
import { testStrategy } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

testStrategy(() => new CoordinateMedian());
testStrategy(() => new TrimmedMean(), { updates: 3 });
testStrategy(() => new GeometricMedian());
testStrategy(() => new Krum(), { updates: 5 });
testStrategy(() => new MultiKrum(), { updates: 5 });
testStrategy(() => new Bulyan(), { updates: 7 });

const LENGTH = 300;
const GLOBAL = new Float32Array(LENGTH);

function updatesOf(vectors: readonly ParameterVector[]): ClientUpdate[] {
  return vectors.map((vector, i) => updateOf(i + 1, vector));
}

function normalVectors(count: number): ParameterVector[] {
  return Array.from({ length: count }, (_, i) => normalVector(LENGTH, i + 1));
}

function aggregate(strategy: Strategy, vectors: readonly ParameterVector[]): ParameterVector {
  return roundOf(strategy, new Float32Array(vectors[0]?.length ?? 0), updatesOf(vectors));
}

function squared(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, x, i) => sum + (x - (b[i] ?? NaN)) ** 2, 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** The mean of vectors in float64. */
function meanOf(vectors: readonly ParameterVector[]): number[] {
  return Array.from(vectors[0] ?? [], (_, i) => mean(vectors.map((vector) => vector[i] ?? NaN)));
}

/** Indices by Krum's score in float64, straight from its definition. */
function krumRanking(vectors: readonly ParameterVector[], neighbours: number): number[] {
  const scores = vectors.map((a, i) =>
    vectors.filter((_, j) => j !== i).map((b) => squared(a, b)).sort((x, y) => x - y)
      .slice(0, neighbours).reduce((sum, x) => sum + x, 0)
  );
  return [...vectors.keys()].sort((a, b) => (scores[a] ?? NaN) - (scores[b] ?? NaN));
}

Deno.test("Krum takes the update with the least sum of its n - f - 2 least squared distances", () => {
  for (const [n, attackers] of [[3, 0], [5, 1], [9, 2], [20, 3]] as const) {
    const vectors = normalVectors(n);
    const [best = NaN] = krumRanking(vectors, n - attackers - 2);
    const found = aggregate(new Krum({ attackers }), vectors);
    assertEquals(bitsOf(found), bitsOf(vectors[best] ?? found.subarray(1)));
  }
});

Deno.test("Krum takes the lowest rank of those with equal scores", () => {
  const square = [[9, 9], [0, 1], [1, 1], [1, 0], [0, 0]].map((at) => new Float32Array(at));
  assertEquals([...aggregate(new Krum({ attackers: 1 }), square)], [0, 1]);
});

Deno.test("MultiKrum is the mean of those with the best scores", () => {
  for (const [n, attackers, keep] of [[5, 1, 2], [12, 3, undefined], [12, 3, 12]] as const) {
    const vectors = normalVectors(n);
    const kept = krumRanking(vectors, n - attackers - 2)
      .slice(0, Math.min(keep ?? n, n - attackers));
    const expected = meanOf(vectors.filter((_, i) => kept.includes(i)));
    const strategy = new MultiKrum({ attackers, ...(keep !== undefined && { keep }) });
    aggregate(strategy, vectors).forEach((x, i) => assertAlmostEquals(x, expected[i] ?? NaN, 1e-6));
  }
});

Deno.test("Bulyan is Krum again and again, then the mean of those closest to the median", () => {
  for (const [n, attackers] of [[3, 0], [7, 1], [12, 2], [16, 3]] as const) {
    const vectors = normalVectors(n);
    let left = [...vectors];
    const selected: ParameterVector[] = [];
    while (selected.length < n - 2 * attackers) {
      const [best = NaN] = krumRanking(left, Math.max(1, left.length - attackers - 2));
      selected.push(...left.filter((_, i) => i === best));
      left = left.filter((_, i) => i !== best);
    }
    aggregate(new Bulyan({ attackers }), vectors).forEach((x, i) => {
      const column = selected.map((vector) => vector[i] ?? NaN).sort((a, b) => a - b);
      const half = column.length / 2;
      const median = mean(column.slice(Math.ceil(half) - 1, Math.floor(half) + 1));
      const closest = column.sort((a, b) => Math.abs(a - median) - Math.abs(b - median));
      assertAlmostEquals(x, mean(closest.slice(0, n - 4 * attackers)), 1e-6);
    });
  }
});

Deno.test("CoordinateMedian and TrimmedMean count clients alike, in float64", () => {
  for (const n of [5, 8]) {
    const vectors = normalVectors(n);
    const median = aggregate(new CoordinateMedian(), vectors);
    const trimmed = aggregate(new TrimmedMean({ attackers: 2 }), vectors);
    for (let i = 0; i < LENGTH; i++) {
      const column = vectors.map((vector) => vector[i] ?? NaN).sort((a, b) => a - b);
      assertAlmostEquals(trimmed[i] ?? NaN, mean(column.slice(2, -2)), 1e-6);
      const middle = column.slice(Math.ceil(n / 2) - 1, Math.floor(n / 2) + 1);
      assertAlmostEquals(median[i] ?? NaN, mean(middle), 1e-6);
    }
  }
});

Deno.test("GeometricMedian is where the unit vectors to the updates, by weight, add up to nothing", () => {
  const cases: [GeometricMedianOptions, number][] = [
    [{}, 3e-3],
    [{ weighted: true }, 3e-3],
    [{ iterations: 1000, tolerance: 0 }, 1e-5],
    [{ iterations: 1000, tolerance: 0, weighted: true }, 1e-5],
  ];
  for (const [options, least] of cases) {
    const updates = updatesOf(normalVectors(7).map((vector, i) => vector.map((x) => x * (i + 1))));
    const strategy = new GeometricMedian(options);
    const z = roundOf(strategy, GLOBAL, updates);
    const weights = updates.map(({ numSamples }) => options.weighted ? numSamples : 1);
    const pull = new Float64Array(LENGTH);
    for (const [k, { parameters }] of updates.entries()) {
      const distance = Math.sqrt(squared(parameters, z));
      pull.forEach((x, i) =>
        pull[i] = x + (weights[k] ?? NaN) * ((parameters[i] ?? NaN) - (z[i] ?? NaN)) / distance
      );
    }
    assertLess(Math.hypot(...pull) / weights.reduce((a, b) => a + b), least);
  }
});

Deno.test("GeometricMedian is found as well where attackers are very far away", () => {
  const vectors = normalVectors(9).map((vector, k) => k < 2 ? vector.map((x) => 1e9 * x) : vector);
  const z = aggregate(new GeometricMedian(), vectors);
  const pull = new Float64Array(LENGTH);
  for (const vector of vectors) {
    const distance = Math.sqrt(squared(vector, z));
    pull.forEach((x, i) => pull[i] = x + ((vector[i] ?? NaN) - (z[i] ?? NaN)) / distance);
  }
  assertLess(Math.hypot(...pull) / vectors.length, 3e-3);
});

Deno.test("GeometricMedian is the update itself where more than half are the same", () => {
  const [a = GLOBAL, b = GLOBAL] = normalVectors(2);
  const z = aggregate(new GeometricMedian(), [a, b, a, b, a]);
  z.forEach((x, i) => assertAlmostEquals(x, a[i] ?? NaN, 1e-4));
});

/**
 * The least sum of distances from points in the plane, in float64, by trying all directions from
 * where it was least.
 */
function leastSum(points: readonly ParameterVector[]): number {
  let at = meanOf(points), least = sumOfDistances(points, at);
  for (let step = 8; step > 1e-9;) {
    const before = least;
    for (let k = 0; k < 64; k++) {
      const [x = NaN, y = NaN] = at, angle = k * Math.PI / 32;
      const next = [x + step * Math.cos(angle), y + step * Math.sin(angle)];
      const sum = sumOfDistances(points, next);
      if (sum < least) [at, least] = [next, sum];
    }
    if (least === before) step /= 2;
  }
  return least;
}

function sumOfDistances(points: readonly ParameterVector[], z: ArrayLike<number>): number {
  return points.reduce((sum, point) => sum + Math.sqrt(squared(point, z)), 0);
}

Deno.test("GeometricMedian leaves an update that it begins at, or near to, for the least sum of distances", () => {
  const around = [[10, 1], [10, -1], [-1, 10], [-1, -10]];
  for (const beside of [0, 1e-6, 1e-5, 1e-4, 1e-3]) {
    for (const scale of [1e-3, 1, 100]) {
      for (const shift of [0, 5]) {
        const points = [[beside, -beside], ...around].map((at) =>
          Float32Array.from(at, (x) => scale * (x + shift))
        );
        const found = sumOfDistances(points, aggregate(new GeometricMedian(), points));
        assertLess(found / leastSum(points) - 1, 1e-6, `${[beside, scale, shift]}`);
      }
    }
  }
});

const CLIENTS = 15, ATTACKERS = 3, SPREAD = 0.1;

/** Updates of honest clients: one vector, with noise. */
function honest(): ParameterVector[] {
  const truth = normalVector(LENGTH, 99);
  return normalVectors(CLIENTS - ATTACKERS).map((noise) =>
    truth.map((x, i) => x + SPREAD * (noise[i] ?? NaN))
  );
}

/** Updates of attackers that know those of the honest clients. */
const ATTACKS: Record<string, (honest: readonly ParameterVector[]) => ParameterVector[]> = {
  "the sign turned round": (honest) =>
    Array(ATTACKERS).fill(Float32Array.from(meanOf(honest), (x) => -5 * x)),
  "large noise": () =>
    Array.from({ length: ATTACKERS }, (_, k) => {
      const random = new Random(3, "noise", { rank: k });
      return Float32Array.from({ length: LENGTH }, () => 100 * random.normal());
    }),
  "huge values": () => Array(ATTACKERS).fill(new Float32Array(LENGTH).fill(3e38)),
};

const ROBUST: Record<string, () => Strategy> = {
  "median": () => new CoordinateMedian(),
  "trimmed mean": () => new TrimmedMean({ attackers: ATTACKERS }),
  "geometric median": () => new GeometricMedian(),
  "Krum": () => new Krum({ attackers: ATTACKERS }),
  "Multi-Krum": () => new MultiKrum({ attackers: ATTACKERS }),
  "Bulyan": () => new Bulyan({ attackers: ATTACKERS }),
};

/** Distance of a result from the honest mean, relative to that of an honest client. */
function error(strategy: Strategy, attack: keyof typeof ATTACKS, first: boolean): number {
  const others = honest();
  const bad = ATTACKS[attack]?.(others) ?? [];
  const found = aggregate(strategy, first ? [...bad, ...others] : [...others, ...bad]);
  return Math.sqrt(squared(found, meanOf(others))) / (SPREAD * Math.sqrt(LENGTH));
}

for (const attack of Object.keys(ATTACKS)) {
  Deno.test(`${attack}: the mean is carried off`, () => {
    assert(!(error(new FedAvg(), attack, false) < 10));
  });

  for (const [name, make] of Object.entries(ROBUST)) {
    Deno.test(`${attack}: the ${name} stays as close to the honest mean as an honest client`, () => {
      for (const first of [true, false]) assertLess(error(make(), attack, first), 1.1);
    });
  }
}

Deno.test("a little that is enough (Baruch et al. 2019) moves no robust strategy past the spread of the honest", () => {
  const others = honest();
  const center = meanOf(others);
  // As many honest clients as the attackers need for a majority lie further out:
  // Φ(z) = (n - f - s) / (n - f), s = n / 2 + 1 - f.
  const z = 0.21;
  const little = Float32Array.from(center, (m, i) => {
    const deviation = Math.sqrt(mean(others.map((vector) => ((vector[i] ?? NaN) - m) ** 2)));
    return m - z * deviation;
  });
  const vectors = [...others, ...Array(ATTACKERS).fill(little)];
  for (const [name, make] of Object.entries(ROBUST)) {
    const distance = Math.sqrt(squared(aggregate(make(), vectors), center));
    assertLess(distance, SPREAD * Math.sqrt(LENGTH), name);
  }
});

Deno.test("NormClipping moves the model by no more than the bound, whatever is sent", () => {
  for (const attack of Object.keys(ATTACKS)) {
    const vectors = [...honest(), ...ATTACKS[attack]?.(honest()) ?? []];
    const found = aggregate(new NormClipping({ bound: 0.5 }), vectors);
    assertLess(Math.sqrt(squared(found, GLOBAL)), 0.5 + 1e-5);
  }
});

Deno.test("a round of too few updates is an error that says how many it takes", () => {
  const error = (strategy: Strategy, count: number, message: string) => {
    assertThrows(
      () => aggregate(strategy, normalVectors(count)),
      RangeError,
      `Cannot aggregate by ${strategy.name}: expected at least ${message}, got ${count}`,
    );
    // The next round of enough is none the worse.
    const enough = normalVectors(12);
    assertEquals(aggregate(strategy, enough).length, LENGTH);
  };
  error(new TrimmedMean({ attackers: 2 }), 4, "2f + 1 = 5 updates for 2 attackers");
  error(new Krum({ attackers: 2 }), 6, "2f + 3 = 7 updates for 2 attackers");
  error(new MultiKrum(), 4, "2f + 3 = 5 updates for 1 attackers");
  error(new Bulyan({ attackers: 2 }), 10, "4f + 3 = 11 updates for 2 attackers");
});

Deno.test("robust strategies refuse options out of range", () => {
  const error = (make: () => unknown, message: string) =>
    assertThrows(make, RangeError, `Cannot make ${message}`);
  for (const [name, Kind] of Object.entries({ TrimmedMean, Krum, MultiKrum, Bulyan })) {
    for (const attackers of [-1, 1.5, NaN]) {
      const given = name.replace(/(.)([A-Z])/, "$1-$2").toLowerCase();
      const range = "to be a whole number from 0";
      error(
        () => new Kind({ attackers }),
        `${given}: expected attackers ${range}, got ${attackers}`,
      );
    }
  }
  error(() => new MultiKrum({ keep: 0 }), "multi-krum: expected keep");
  error(() => new GeometricMedian({ smoothing: 0 }), "geometric-median: expected smoothing");
  error(() => new GeometricMedian({ iterations: 0 }), "geometric-median: expected iterations");
  error(() => new GeometricMedian({ tolerance: -1 }), "geometric-median: expected tolerance");
  error(() => new NormClipping({ bound: 0 }), "norm-clipping: expected bound");
});
