import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import type { ModelDescription } from "../../src/train/handler.ts";
import { mlp } from "../../src/train/models/models.ts";
import { seedInitializers } from "../../src/train/models/seed_initializers.ts";
import { initialVector } from "../../src/engine/initializers.ts";
import { readGraph } from "../../src/engine/graph/read_graph.ts";

Deno.test.sanitizer({ ops: true, resources: true });

type Fields = Record<string, unknown>;

function sequential(shape: number[], class_name: string, config: Fields): ModelDescription {
  return {
    format: "tfjs-layers",
    topology: {
      class_name: "Sequential",
      config: {
        layers: [{ class_name, config: { batch_input_shape: [null, ...shape], ...config } }],
      },
    },
    loss: "meanSquaredError",
  };
}

function draw(model: ModelDescription, seed = 1): Float32Array {
  return initialVector(readGraph(model), seed);
}

/** The kernel of a dense layer of that shape, in row-major order. */
function kernel(initializer: unknown, inputs = 100, units = 300, seed = 1): Float32Array {
  const kernel_initializer = initializer;
  return draw(sequential([inputs], "Dense", { units, use_bias: false, kernel_initializer }), seed);
}

function moments(values: Float32Array): { mean: number; deviation: number; extreme: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return {
    mean,
    deviation: Math.sqrt(variance),
    extreme: values.reduce((most, value) => Math.max(most, Math.abs(value - mean)), 0),
  };
}

const named = (class_name: string, config: Fields = {}) => ({ class_name, config });

Deno.test("initialVector() fills constants exactly", () => {
  assertEquals(kernel("zeros", 2, 2), new Float32Array(4));
  assertEquals(kernel("ones", 2, 2), new Float32Array(4).fill(1));
  assertEquals(kernel(named("Constant", { value: -0.3 }), 2, 2), new Float32Array(4).fill(-0.3));
  assertEquals(
    kernel(named("Identity", { gain: 2 }), 2, 3),
    new Float32Array([2, 0, 0, 0, 2, 0]),
  );
  assertEquals(
    draw(sequential([2], "BatchNormalization", {})),
    new Float32Array([1, 1, 0, 0, 0, 0, 1, 1]),
  );
});

// Standard deviation of the standard normal distribution truncated at 2:
// sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)).
const CUT = 0.8796256610342398;

// Of 30,000 draws the mean's standard error is deviation / 173 and the deviation's about deviation
// / 245; 5 of them are allowed.
const DISTRIBUTIONS: [string, unknown, { mean?: number; deviation: number; bound?: number }][] = [
  ["RandomUniform", named("RandomUniform", { minval: 0, maxval: 3 }), {
    mean: 1.5,
    deviation: 3 / Math.sqrt(12),
    bound: 1.5,
  }],
  ["random_uniform", "random_uniform", { deviation: 0.05 / Math.sqrt(3), bound: 0.05 }],
  ["RandomNormal", named("RandomNormal", { mean: 2, stddev: 0.5 }), { mean: 2, deviation: 0.5 }],
  ["TruncatedNormal", named("TruncatedNormal", { mean: -1, stddev: 0.5 }), {
    mean: -1,
    deviation: 0.5 * CUT,
    bound: 1,
  }],
  ["GlorotUniform", "glorotUniform", { deviation: Math.sqrt(2 / 400), bound: Math.sqrt(6 / 400) }],
  ["GlorotNormal", "glorot_normal", {
    deviation: Math.sqrt(2 / 400),
    bound: 2 * Math.sqrt(2 / 400) / CUT,
  }],
  ["HeUniform", "HeUniform", { deviation: Math.sqrt(2 / 100), bound: Math.sqrt(6 / 100) }],
  ["HeNormal", named("HeNormal"), {
    deviation: Math.sqrt(2 / 100),
    bound: 2 * Math.sqrt(2 / 100) / CUT,
  }],
  ["LeCunUniform", "leCunUniform", { deviation: 0.1, bound: Math.sqrt(3) / 10 }],
  ["LecunNormal", "lecun_normal", { deviation: 0.1, bound: 0.2 / CUT }],
  ["VarianceScaling by default", "varianceScaling", { deviation: 0.1, bound: 0.2 / CUT }],
  [
    "VarianceScaling over the outputs",
    named("VarianceScaling", { scale: 3, mode: "fan_out", distribution: "uniform" }),
    { deviation: 0.1, bound: Math.sqrt(3) / 10 },
  ],
  [
    "VarianceScaling, not truncated",
    named("VarianceScaling", { mode: "fan_avg", distribution: "untruncated_normal" }),
    { deviation: Math.sqrt(1 / 200) },
  ],
];

for (const [name, initializer, { mean = 0, deviation, bound }] of DISTRIBUTIONS) {
  Deno.test(`initialVector() draws ${name} with Keras's moments and bounds`, () => {
    const values = kernel(initializer), found = moments(values);
    assertAlmostEquals(found.mean, mean, 5 * deviation / 173);
    assertAlmostEquals(found.deviation, deviation, 5 * deviation / 245);
    const farthest = values.reduce((most, value) => Math.max(most, Math.abs(value - mean)), 0);
    if (bound === undefined) {
      assert(farthest > 3 * deviation);
    } else {
      assert(farthest <= bound * (1 + 1e-6) && farthest > 0.99 * bound, `${farthest} of ${bound}`);
    }
  });
}

Deno.test("initialVector() counts the fans of kernels as Keras does", () => {
  const conv = { filters: 100, kernel_size: [5, 4], use_bias: false };
  const bound = (fan: number) => Math.sqrt(3 / fan);
  const farthest = (values: Float32Array) => moments(values).extreme;
  const scaled = (mode: string) => named("VarianceScaling", { mode, distribution: "uniform" });
  for (
    const [mode, fan] of [["fan_in", 20 * 30], ["fan_out", 20 * 100], ["fan_avg", 20 * 65]] as const
  ) {
    const config = { ...conv, kernel_initializer: scaled(mode) };
    assertAlmostEquals(
      farthest(draw(sequential([6, 6, 30], "Conv2D", config))) / bound(fan),
      1,
      0.01,
    );
  }
  for (const [mode, fan] of [["fan_in", 9 * 200], ["fan_out", 9 * 8]] as const) {
    const config = {
      kernel_size: 3,
      depth_multiplier: 8,
      use_bias: false,
      depthwise_initializer: scaled(mode),
    };
    const values = draw(sequential([6, 6, 200], "DepthwiseConv2D", config));
    assertAlmostEquals(farthest(values) / bound(fan), 1, 0.01);
  }
  const bias = draw(sequential([1], "Dense", { units: 5000, bias_initializer: scaled("fan_in") }))
    .slice(5000);
  assertAlmostEquals(farthest(bias) / bound(5000), 1, 0.02);
});

Deno.test("initialVector() draws orthogonal matrices, tall and wide", () => {
  for (const [rows, columns] of [[40, 12], [12, 40], [20, 20]] as const) {
    const values = kernel(named("Orthogonal", { gain: 2 }), rows, columns);
    const at = (i: number, j: number) =>
      (rows >= columns ? values[j * columns + i] : values[i * columns + j]) ?? NaN;
    const count = Math.min(rows, columns), length = Math.max(rows, columns);
    for (let a = 0; a < count; a++) {
      for (let b = 0; b < count; b++) {
        let dot = 0;
        for (let i = 0; i < length; i++) dot += at(a, i) * at(b, i);
        assertAlmostEquals(dot, a === b ? 4 : 0, 1e-5);
      }
    }
  }
  // On a line a uniform draw gives the identity and the reflection equally often.
  const signs = Array.from(
    { length: 400 },
    (_, seed) => kernel("orthogonal", 1, 1, seed)[0] ?? NaN,
  );
  assert(signs.every((sign) => Math.abs(sign) === 1));
  assert(Math.abs(signs.reduce((sum, sign) => sum + sign, 0)) < 100);
});

Deno.test("initialVector() gives the same bytes for the same seed and others for another", () => {
  const model = mlp({ inputShape: [8, 8, 1], numClasses: 10 });
  const first = draw(model, 7);
  assertEquals(first, draw(structuredClone(model), 7));
  assertNotEquals(first, draw(model, 8));
  assertEquals(first, draw(seedInitializers(model, 3), 7));
  const seeded = (seed: number | null) => kernel(named("HeNormal", { seed }), 3, 3);
  assertEquals(seeded(5), seeded(null));
});

Deno.test("initialVector() draws each tensor from a stream of its own", () => {
  const two = (units: number) =>
    draw({
      format: "tfjs-layers",
      topology: {
        class_name: "Sequential",
        config: [
          { class_name: "Dense", config: { units, batch_input_shape: [null, 4], use_bias: false } },
          { class_name: "Reshape", config: { target_shape: [units / 4, 4] } },
          { class_name: "Dense", config: { units: 4, use_bias: false } },
        ],
      },
      loss: "meanSquaredError",
    });
  // With a single stream, a larger first tensor would change the values of the second one.
  assertEquals(two(8).slice(32), two(16).slice(64));
  assertNotEquals(two(16).slice(0, 16), two(16).slice(64));
});

Deno.test("initialVector() refuses a seed out of range, even where nothing is random", () => {
  const graph = readGraph(sequential([2], "BatchNormalization", {}));
  for (const seed of [-1, 0.5, 2 ** 32]) {
    assertThrows(() => initialVector(graph, seed), RangeError, "seed");
  }
});
