import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import {
  AsyncParameterServerHandler,
  CoordinateMedian,
  FedAdagrad,
  FedAdam,
  FedAsync,
  FedAvg,
  FedAvgM,
  FedBuff,
  FedDyn,
  FedNova,
  FedProx,
  FedSGD,
  FedYogi,
  Krum,
  Manifest,
  NormClipping,
  type ParameterVector,
  QFedAvg,
  Scaffold,
  type Strategy,
  SyncParameterServerHandler,
  TrimmedMean,
} from "../../mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Two weights before, between and after which there are moving variances. */
const MANIFEST = Manifest.of([
  { name: "first/moving_variance", shape: [1], trainable: false },
  { name: "w", shape: [2] },
  { name: "last/moving_variance", shape: [2], trainable: false },
]);
const GLOBAL = new Float32Array([1, 0, 0, 1, 1]);

/** The values of a vector that are not trained. */
function variances([first, _, __, ...last]: ParameterVector): number[] {
  return [first ?? NaN, ...last];
}

/**
 * The parameters after so many rounds, in each of which clients of equally many samples send these
 * vectors.
 */
function rounds(strategy: Strategy, vectors: readonly number[][], count = 1): ParameterVector {
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: GLOBAL,
    strategy,
  });
  for (let round = 1; round <= count; round++) {
    handler.beginRound(round, vectors.length);
    for (const [i, values] of vectors.entries()) {
      const parameters = new Float32Array(values);
      const metrics = { initialLoss: 1 + i };
      handler.onReceive(i + 1, { round, numSamples: 10, steps: 1 + 6 * i, metrics, parameters });
    }
    handler.updateModel();
  }
  return handler.parameters.slice();
}

const AGREEING = [[0.5, 1, 1, 0.5, 2], [0.5, 1, 1, 0.5, 2], [0.5, 2, 1, 0.5, 2]];
const ATTACK = [-1e9, 1e9, -1e9, 1e9, -1e9];

const OPTIMIZERS: Record<string, (mean?: Strategy) => Strategy> = {
  fedadam: (mean = new FedAvg()) => new FedAdam({ mean, learningRate: 1 }),
  fedyogi: (mean = new FedAvg()) => new FedYogi({ mean, learningRate: 1 }),
  fedadagrad: (mean = new FedAvg()) => new FedAdagrad({ mean, learningRate: 1 }),
  fedavgm: (mean = new FedAvg()) => new FedAvgM({ mean, learningRate: 2 }),
};

const ROBUST: Record<string, () => Strategy> = {
  "median": () => new CoordinateMedian(),
  "trimmed mean": () => new TrimmedMean({ attackers: 1 }),
  "Krum": () => new Krum({ attackers: 1 }),
};

for (const [name, make] of Object.entries(OPTIMIZERS)) {
  for (const [robust, mean] of Object.entries(ROBUST)) {
    Deno.test(`${name} on the ${robust} has what is not trained from that, whatever an attacker sends`, () => {
      const vectors = [...AGREEING, ...AGREEING, ATTACK];
      assertEquals(variances(rounds(make(mean()), vectors, 5)), [0.5, 0.5, 2]);
    });
  }

  Deno.test(`${name} steps on what is trained as if there were nothing else`, () => {
    const still = AGREEING.map(([_, a = NaN, b = NaN]) => [1, a, b, 1, 1]);
    const [, ...trained] = rounds(make(), still, 4);
    const [, ...found] = rounds(make(), AGREEING, 4);
    assertEquals(found.slice(0, 2), trained.slice(0, 2));
  });

  Deno.test(`${name} and norm clipping, either inside the other, keep one client's variance within the bound`, () => {
    const bound = 0.1;
    for (
      const strategy of [
        new NormClipping({ bound, mean: make() }),
        make(new NormClipping({ bound })),
      ]
    ) {
      const found = variances(rounds(strategy, [...AGREEING, ATTACK]));
      found.forEach((x, i) => assertLess(Math.abs(x - (variances(GLOBAL)[i] ?? NaN)), 0.1));
    }
  });
}

for (
  const make of [
    () => new FedNova(),
    () => new QFedAvg({ q: 2 }),
    () => new Scaffold({ learningRate: 3 }),
    () => new FedDyn(),
    () => new FedProx({ mean: new FedNova() }),
    () => new FedAvgM({ mean: new Scaffold({ learningRate: 3 }) }),
  ]
) {
  Deno.test(`${make().name} keeps what is not trained within what the clients sent, though it steps past the mean`, () => {
    const vectors = [[0.1, 5, 0, 0.3, 0.1], [0.4, -1, 3, 0.1, 0.2]];
    const plan = { proximal: 0 };
    const handler = new SyncParameterServerHandler({
      manifest: MANIFEST,
      parameters: GLOBAL,
      strategy: make(),
      plan,
    });
    for (let round = 1; round <= 4; round++) {
      handler.beginRound(round, 2);
      for (const [i, values] of vectors.entries()) {
        handler.onReceive(i + 1, {
          round,
          numSamples: 1,
          steps: 1 + 9 * i,
          metrics: { initialLoss: 1 + i },
          parameters: new Float32Array(values),
        });
      }
      handler.updateModel();
      variances(handler.parameters).forEach((value, k) => {
        const sent = vectors.map((values) => variances(new Float32Array(values))[k] ?? NaN);
        assert(value >= Math.min(...sent) && value <= Math.max(...sent), `${value} of ${sent}`);
      });
    }
  });
}

Deno.test("FedNova inside norm clipping sees clipped values of what is not trained", () => {
  const strategy = new NormClipping({ bound: 0.1, mean: new FedNova() });
  const found = variances(rounds(strategy, [ATTACK, ...AGREEING]));
  found.forEach((x, i) => assertLess(Math.abs(x - (variances(GLOBAL)[i] ?? NaN)), 0.1));
});

Deno.test("FedSGD leaves what is not trained, whatever gradient a client sends for it", () => {
  for (const strategy of [new FedSGD(), new FedAvgM({ mean: new FedSGD(), learningRate: 5 })]) {
    const found = rounds(strategy, [[9, 1, 1, 9, 9], ATTACK], 3);
    assertEquals(variances(found), [1, 1, 1]);
    assert(found[1] !== 0);
  }
});

Deno.test("a server optimizer will not have FedDyn for its mean, whose h is of its own step", () => {
  for (const make of [OPTIMIZERS.fedadam, OPTIMIZERS.fedavgm]) {
    assertThrows(() => make?.(new FedDyn()), RangeError, "got feddyn, which takes its own");
  }
});

/**
 * An asynchronous server's parameters after clients that began with the first version have sent
 * these vectors.
 */
function lateUpdates(handler: AsyncParameterServerHandler, vectors: readonly number[][]): void {
  const base = GLOBAL.slice();
  let staleness = 0;
  for (const [i, values] of vectors.entries()) {
    const parameters = new Float32Array(values);
    const payload = { round: i + 1, numSamples: 1, steps: 1, parameters };
    if (handler.onReceive(i + 1, payload, { base, staleness })) staleness++;
  }
}

function asyncHandler(strategy: FedBuff | FedAsync): AsyncParameterServerHandler {
  return new AsyncParameterServerHandler({ manifest: MANIFEST, parameters: GLOBAL, strategy });
}

Deno.test("FedBuff and FedAsync keep what is not trained within what clients sent, of whatever staleness", () => {
  const late = Array.from({ length: 12 }, () => [0.3, 1, -1, 0.3, 0.3]);
  for (
    const strategy of [
      new FedBuff({ size: 1 }),
      new FedBuff({ size: 2, learningRate: 3 }),
      new FedBuff({ size: 5 }),
      new FedAsync(),
    ]
  ) {
    const handler = asyncHandler(strategy);
    lateUpdates(handler, late);
    for (const value of variances(handler.parameters)) {
      assert(value >= 0.3 - 1e-6 && value < 1, `${value}`);
    }
  }
});

Deno.test("FedBuff mixes what is not trained by staleness, against a sum in float64, and steps on the rest from where clients began", () => {
  const sent = Array.from({ length: 6 }, (_, i) => [0.1 * (i + 1), i, -i, 0.5, 2 + i]);
  const handler = asyncHandler(new FedBuff({ size: 2, learningRate: 0.8 }));
  lateUpdates(handler, sent);
  const expected = Array.from(GLOBAL);
  for (let version = 0; version < 3; version++) {
    const weight = 1 / Math.sqrt(1 + version), t = 0.8 * weight;
    const pair = sent.slice(2 * version, 2 * version + 2);
    expected.forEach((w, k) => {
      const mean = pair.reduce((sum, values) => sum + (values[k] ?? NaN), 0) / 2;
      const isTrained = k === 1 || k === 2;
      expected[k] = w + t * (mean - (isTrained ? GLOBAL[k] ?? NaN : w));
    });
  }
  handler.parameters.forEach((value, k) =>
    assertAlmostEquals(value, expected[k] ?? NaN, 1e-6, `${k}`)
  );
});

Deno.test("FedBuff goes on from a half-full buffer with what is not trained, bit for bit", () => {
  const sent = [[0.1, 1, 1, 0.2, 0.3], [0.4, 2, 2, 0.5, 0.6], [0.7, 3, 3, 0.8, 0.9]];
  const whole = asyncHandler(new FedBuff({ size: 3 }));
  lateUpdates(whole, sent);
  const first = asyncHandler(new FedBuff({ size: 3 })),
    second = asyncHandler(new FedBuff({ size: 3 }));
  lateUpdates(first, sent.slice(0, 2));
  second.restoreState(structuredClone(first.saveState()));
  lateUpdates(second, sent.slice(2));
  assertEquals(second.parameters, whole.parameters);
});
