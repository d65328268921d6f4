import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  DEFAULT_PLAN,
  FedAvg,
  Flex,
  initialParameters,
  Manifest,
  Random,
  SyncParameterServerHandler,
} from "../../../mod.ts";
import { ProductMean } from "../../../src/strategy/low_rank/product_mean.ts";
import { singularParts } from "../../../src/strategy/low_rank/svd.ts";
import { testStrategy } from "../../../src/testing/mod.ts";
import {
  ALL_MINILM_L6_V2,
  lora,
  textEncoder,
} from "../../../src/train/models/encoder/text_encoder.ts";

Deno.test.sanitizer({ ops: true, resources: true });

testStrategy(() => new Flex());

const OUTPUTS = 7, INPUTS = 9, RANK = 2;

function draw(random: Random, length: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, () => random.normal());
}

/** The product of `B` and `A` in float64, times a weight. */
function productOf(b: Float32Array, a: Float32Array, weight: number): Float64Array {
  return Float64Array.from({ length: OUTPUTS * INPUTS }, (_, i) => {
    const row = Math.floor(i / INPUTS), column = i % INPUTS;
    let sum = 0;
    for (let r = 0; r < RANK; r++) {
      sum += (b[row * RANK + r] ?? NaN) * (a[r * INPUTS + column] ?? NaN);
    }
    return weight * sum;
  });
}

Deno.test("ProductMean has the same parts by factors and by the sum of the products", () => {
  // Three clients have fewer columns together than the product, five have more.
  for (const clients of [1, 3, 5]) {
    const random = new Random(clients, "test");
    const mean = new ProductMean({ outputs: OUTPUTS, inputs: INPUTS, rank: RANK });
    const sum = new Float64Array(OUTPUTS * INPUTS);
    let weights = 0;
    for (let k = 0; k < clients; k++) {
      const a = draw(random, RANK * INPUTS), b = draw(random, OUTPUTS * RANK), weight = 1 + k;
      // One client has a lower rank, the rest of which are zeros.
      if (k === 1) {
        a.fill(0, INPUTS);
        for (let o = 0; o < OUTPUTS; o++) b[o * RANK + 1] = 0;
      }
      mean.add(b, a, weight);
      weights += weight;
      productOf(b, a, weight).forEach((value, i) => sum[i] = (sum[i] ?? 0) + value);
    }
    const values = sum.map((value) => value / weights);
    const want = singularParts({ rows: OUTPUTS, columns: INPUTS, values }, RANK);
    const got = mean.parts();
    for (const part of ["values", "left", "right"] as const) {
      got[part].forEach((value, i) =>
        assertAlmostEquals(Math.abs(value), Math.abs(want[part][i] ?? NaN), 1e-9, `${part} ${i}`)
      );
    }
  }
});

Deno.test("Flex averages products, and gives each lower rank its best approximation", () => {
  const manifest = Manifest.of([
    { name: "q/lora_A", shape: [RANK, INPUTS] },
    { name: "q/lora_B", shape: [OUTPUTS, RANK] },
    { name: "head/kernel", shape: [3] },
  ]);
  const random = new Random(4, "test"),
    strategy = new Flex(),
    global = draw(random, manifest.length);
  const info = { round: 1, numClients: 2, plan: DEFAULT_PLAN, manifest };
  const updates = [3, 1].map((numSamples, i) => ({
    ...{ rank: i + 1, numSamples, parameters: draw(random, manifest.length) },
  }));
  const run = (of: typeof updates) => {
    const round = strategy.begin(global, info);
    for (const update of of) round.accept(update);
    return round.finish().slice();
  };
  const result = run(updates), [a, b, head] = manifest.views(result);
  assert(a && b && head);
  const means = new FedAvg().begin(global);
  for (const update of updates) means.accept(update);
  assertEquals(head, manifest.views(means.finish())[2]);
  const values = new Float64Array(OUTPUTS * INPUTS);
  for (const { parameters, numSamples } of updates) {
    const [ownA, ownB] = manifest.views(parameters);
    assert(ownA && ownB);
    productOf(ownB, ownA, numSamples / 4).forEach((value, i) =>
      values[i] = (values[i] ?? 0) + value
    );
  }
  for (const rank of [1, 2]) {
    const { values: s, left, right } = singularParts(
      { rows: OUTPUTS, columns: INPUTS, values },
      rank,
    );
    for (let o = 0; o < OUTPUTS; o++) {
      for (let i = 0; i < INPUTS; i++) {
        let want = 0, got = 0;
        for (let k = 0; k < rank; k++) {
          want += (s[k] ?? NaN) * (left[o * rank + k] ?? NaN) * (right[k * INPUTS + i] ?? NaN);
          got += (b[o * RANK + k] ?? NaN) * (a[k * INPUTS + i] ?? NaN);
        }
        assertAlmostEquals(got, want, 1e-5);
      }
    }
  }
  // Without a product the row of A stays, so that it can be trained.
  const zero = updates.map(({ parameters, ...more }) => {
    const own = parameters.slice();
    manifest.views(own)[1]?.fill(0);
    return { ...more, parameters: own };
  });
  const [stayed, none] = manifest.views(run(zero));
  assertEquals([stayed, none?.every((value) => value === 0)], [manifest.views(global)[0], true]);
  assertEquals(strategy.begin(global, info).finish(), global);
});

Deno.test("a server refuses flex with adapters of which one matrix stays", async () => {
  const model = textEncoder({
    ...ALL_MINILM_L6_V2,
    numClasses: 2,
    adapters: lora({ layers: 1, rank: 1, train: "B" }),
  });
  const options = { ...await initialParameters(model, 1), model, strategy: new Flex() };
  assertThrows(
    () => new SyncParameterServerHandler(options),
    RangeError,
    "expected adapters of which both matrices are trained",
  );
});
