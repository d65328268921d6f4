import { assert, assertAlmostEquals, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  type AsyncStrategy,
  FedAsync,
  FedBuff,
  type ParameterVector,
  parseAsyncStrategy,
} from "../../mod.ts";
import { Kernels } from "../../src/params/mod.ts";
import {
  ASYNC_STRATEGY_NAMES,
  type AsyncUpdate,
  constantStaleness,
  hingeStaleness,
  polynomialStaleness,
} from "../../src/strategy/mod.ts";
import { bitsOf, normalVector } from "../../src/testing/strategy/updates.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const LENGTH = 301;
const BASE = normalVector(LENGTH, 0);

function update(rank: number, staleness: number, base: ParameterVector = BASE): AsyncUpdate {
  return { rank, parameters: normalVector(LENGTH, rank), numSamples: 5 * rank, base, staleness };
}

/** Takes so many updates of growing staleness in; the result is a copy. */
function runOf(strategy: AsyncStrategy, global: ParameterVector, updates: number): ParameterVector {
  for (let i = 0; i < updates; i++) strategy.accept(global, update(i + 1, i));
  return global.slice();
}

Deno.test("constantStaleness(), polynomialStaleness() and hingeStaleness() follow their closed forms", () => {
  for (const staleness of [0, 1, 4, 5, 100]) {
    assertEquals(constantStaleness()(staleness), 1);
    for (const a of [0, 0.5, 2]) {
      assertAlmostEquals(
        polynomialStaleness(a)(staleness),
        Math.exp(-a * Math.log(staleness + 1)),
        1e-12,
      );
    }
    assertEquals(hingeStaleness(10, 4)(staleness), staleness <= 4 ? 1 : 1 / (10 * staleness - 39));
  }
  assertThrows(() => polynomialStaleness(-1), RangeError, "expected a to be a number from 0");
  assertThrows(() => hingeStaleness(1, -1), RangeError, "expected b to be a number from 0");
});

Deno.test("FedAsync refuses a weight that its staleness function should not give", () => {
  for (const weight of [5, -5, 0, NaN]) {
    const strategy = new FedAsync({ staleness: () => weight });
    const global = BASE.slice();
    assertThrows(
      () => strategy.accept(global, update(1, 3, BASE)),
      RangeError,
      `above 0 and at most 1 of staleness 3, got ${weight}`,
    );
    assertEquals(global, BASE);
  }
});

Deno.test("FedAsync with alpha 1 and constant staleness is the last update bit for bit", () => {
  const strategy = new FedAsync({ alpha: 1, staleness: constantStaleness() });
  const global = BASE.slice();
  assertEquals(bitsOf(runOf(strategy, global, 5)), bitsOf(normalVector(LENGTH, 5)));
});

Deno.test("FedAsync mixes by alpha and staleness, against a recurrence in float64", () => {
  const strategy = new FedAsync({ alpha: 0.6, staleness: polynomialStaleness(0.5) });
  const result = runOf(strategy, BASE.slice(), 7);
  const expected = Array.from(BASE);
  for (let i = 0; i < 7; i++) {
    const share = 0.6 / Math.sqrt(i + 1);
    normalVector(LENGTH, i + 1).forEach((value, j) => {
      expected[j] = (1 - share) * (expected[j] ?? NaN) + share * value;
    });
  }
  result.forEach((value, j) => assertAlmostEquals(value, expected[j] ?? NaN, 1e-6));
});

Deno.test("FedBuff of a whole cohort without staleness is the mean of its parameters", () => {
  const strategy = new FedBuff({ size: 4 });
  const global = BASE.slice();
  const made = [1, 2, 3, 4].map((rank) => strategy.accept(global, update(rank, 0)));
  assertEquals(made, [false, false, false, true]);
  global.forEach((value, j) => {
    const mean = [1, 2, 3, 4].reduce((sum, rank) => sum + (normalVector(LENGTH, rank)[j] ?? 0), 0) /
      4;
    assertAlmostEquals(value, mean, 1e-6);
  });
});

Deno.test("FedBuff weighs each way by its staleness and steps by its rate, against a sum in float64", () => {
  const strategy = new FedBuff({ size: 3, learningRate: 0.5 });
  const bases = [11, 12, 13].map((rank) => normalVector(LENGTH, rank));
  const global = BASE.slice();
  bases.forEach((base, i) => strategy.accept(global, update(i + 1, 3 * i, base)));
  global.forEach((value, j) => {
    const sum = bases.reduce(
      (sum, base, i) =>
        sum + ((normalVector(LENGTH, i + 1)[j] ?? 0) - (base[j] ?? 0)) / Math.sqrt(1 + 3 * i),
      0,
    );
    assertAlmostEquals(value, (BASE[j] ?? 0) + 0.5 * sum / 3, 1e-6);
  });
});

Deno.test("FedBuff leaves the global vector alone until the buffer is full, and begins the next one empty", () => {
  const strategy = new FedBuff({ size: 2 });
  const global = BASE.slice();
  strategy.accept(global, update(1, 0));
  assertEquals(bitsOf(global), bitsOf(BASE));
  strategy.accept(global, update(2, 0));
  const again = BASE.slice();
  strategy.accept(again, update(1, 0));
  strategy.accept(again, update(2, 0));
  assertEquals(bitsOf(again), bitsOf(global));
});

Deno.test("FedBuff restores a buffer that is half full, and refuses what is none", () => {
  const strategy = new FedBuff({ size: 3 }), restored = new FedBuff({ size: 3 });
  const global = BASE.slice(), other = BASE.slice();
  strategy.accept(global, update(1, 0));
  strategy.accept(global, update(2, 1));
  const { json, vectors = {} } = strategy.save();
  const sum = vectors.sum?.slice();
  assert(sum !== undefined);
  restored.restore({ json: JSON.parse(JSON.stringify(json)), vectors: { sum } });
  sum.fill(NaN);
  assertEquals([strategy, restored].map((one, i) => one.accept(i ? other : global, update(3, 0))), [
    true,
    true,
  ]);
  assertEquals(bitsOf(other), bitsOf(global));
  assertEquals(strategy.save(), {});
  assertThrows(
    () => restored.restore({ json: { count: 3, weight: 3 }, vectors: { sum } }),
    TypeError,
  );
  const short = new FedBuff({ size: 3 });
  short.restore({ json: { count: 1, weight: 1 }, vectors: { sum: new Float32Array(2) } });
  assertThrows(() => short.accept(BASE.slice(), update(1, 0)), RangeError, "got 2");
});

Deno.test("asynchronous strategies give the same bits in an arena, and take no more of it than they say", () => {
  for (const name of ASYNC_STRATEGY_NAMES) {
    const kernels = Kernels.create(2 ** 16);
    const global = kernels.alloc(LENGTH);
    global.set(BASE);
    const free = kernels.available;
    const strategy = parseAsyncStrategy(name);
    const inArena = runOf(strategy, global, 21);
    assertEquals(bitsOf(inArena), bitsOf(runOf(parseAsyncStrategy(name), BASE.slice(), 21)), name);
    const room = Math.ceil(BASE.byteLength / 64) * 64;
    assertEquals(free - kernels.available, strategy.workingVectors * room, name);
  }
});

Deno.test("parseAsyncStrategy() reads names and options, and says what it expected", () => {
  const share = (text: string, staleness: number) => {
    const global = new Float32Array(1), parameters = new Float32Array([1]);
    const base = global.slice();
    parseAsyncStrategy(text).accept(global, {
      rank: 1,
      numSamples: 1,
      parameters,
      base,
      staleness,
    });
    return global[0];
  };
  assertEquals(share("fedasync:alpha=0.5,staleness=constant", 8), 0.5);
  assertEquals(share("fedasync:alpha=0.5,a=1", 3), 0.125);
  assertEquals(share("fedasync:alpha=0.5,staleness=hinge,a=1,b=2", 3), 0.25);
  assertEquals(share("fedbuff:size=1,lr=0.25", 0), 0.25);
  const error = (text: string, kind: ErrorConstructor, message: string) =>
    assertThrows(() => parseAsyncStrategy(text), kind, message);
  error("fedavg", RangeError, "expected one of fedasync, fedbuff, got fedavg");
  error("fedasync:alpha=2", RangeError, "expected alpha to be at most 1, got 2");
  error("fedasync:alpha=0", RangeError, "expected alpha to be a number above 0, got 0");
  error("fedasync:staleness=old", RangeError, "constant, polynomial or hinge, got old");
  error("fedasync:b=2", RangeError, "expected no b with the staleness polynomial, got 2");
  error("fedbuff:size=0.5", RangeError, "expected size to be a whole number from 1");
  error("fedbuff:size", SyntaxError, "Cannot read the strategy fedbuff:size");
});
