import { assert, assertAlmostEquals, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { Random } from "../../src/base/random.ts";
import { SecureError } from "../../src/secure/errors.ts";
import { graphParameters, neighbourhoods, ringOrder } from "../../src/secure/graph.ts";
import { ClearSum } from "../../src/secure/clear_sum.ts";
import { addMeanUpdate, LANES, quantizeUpdate, readLanes } from "../../src/secure/quantize.ts";
import { checkMembers, ringOf } from "../../src/secure/ring.ts";

const STREAM = { seed: 7, round: 3, rank: 2 };

Deno.test("quantizeUpdate() rounds by the stream of its seed, round and rank", () => {
  const random = new Random(1, "test");
  const update = Float32Array.from({ length: 300_001 }, () => 3 * random.normal());
  const ring = ringOf({ clip: 4, maxSamples: 100, maxMembers: 10 });
  const found = new Int32Array(
    quantizeUpdate(ring, update, { samples: 40, loss: 1, steps: 5 }, STREAM).buffer,
  );
  const draws = new Random(STREAM.seed, "quantize", STREAM);
  let clamped = 0;
  for (const [i, x] of update.entries()) {
    const value = (ring.levels * 0.4 / 4) * Math.min(Math.max(x, -4), 4);
    if (Math.abs(x) > 4) clamped++;
    const expected = Math.floor(value + draws.uint32() / 2 ** 32);
    if (found[i] !== expected) assertEquals(found[i], expected, `value ${i}`);
  }
  assert(clamped > 1000);
  assertEquals(found[update.length + 1], clamped);
});

Deno.test("no sum of as many members as the ring allows overflows", () => {
  for (const maxMembers of [3, 7, 1000, 2 ** 20]) {
    const ring = ringOf({ clip: 0.7, maxSamples: 4000, maxMembers });
    const extreme = Float32Array.of(1e30, -1e30, 0.7, -0.7, 0);
    const figures = { samples: 1e9, loss: 1e9, steps: 2 ** 40 };
    const one = quantizeUpdate(ring, extreme, figures, STREAM);
    const signed = new Int32Array(one.buffer);
    for (const value of signed.subarray(0, 5)) {
      assert(Math.abs(value) * maxMembers < 2 ** 31, `${value}`);
    }
    for (const lane of one.subarray(5)) assert(lane * maxMembers < 2 ** 32, `${lane}`);
    assertEquals([signed[0], signed[1], one[5]], [ring.levels, -ring.levels, 4000]);
  }
  assertEquals(ringOf({ clip: 8, maxSamples: 1, maxMembers: 100 }).levels, 21_474_836);
  assertEquals(ringOf({ clip: 8, maxSamples: 1, maxMembers: 1000 }).levels, 2_147_483);
});

Deno.test("a sum gives back the weighted mean of updates, losses and steps", () => {
  const ring = ringOf({ clip: 1, maxSamples: 50, maxMembers: 20 });
  const random = new Random(2, "test"), length = 1000;
  const sum = new ClearSum(length + LANES), mean = new Float64Array(length);
  let samples = 0, loss = 0;
  for (let rank = 1; rank <= 20; rank++) {
    const update = Float32Array.from({ length }, () => random.normal() / 8);
    const figures = { samples: 2 * rank, loss: random.uniform(), steps: rank };
    sum.add(quantizeUpdate(ring, update, figures, { ...STREAM, rank }));
    samples += figures.samples;
    loss += figures.samples * figures.loss;
    update.forEach((x, i) => mean[i] = (mean[i] ?? 0) + figures.samples * x);
  }
  const base = Float32Array.from({ length }, () => random.normal()),
    into = new Float32Array(length);
  addMeanUpdate(ring, sum.finish(), base, into);
  // Each client is off by less than a step, c / A, times the largest weight over all of them.
  const step = 50 * 20 / (ring.levels * samples);
  for (let i = 0; i < length; i++) {
    const expected = (base[i] ?? 0) + (mean[i] ?? 0) / samples;
    assertAlmostEquals(into[i] ?? NaN, expected, step + 3e-7);
  }
  const lanes = readLanes(ring, sum.finish());
  assertEquals([lanes.samples, lanes.clamped, lanes.steps], [samples, 0, 210]);
  assertAlmostEquals(lanes.loss, loss / samples, 1e-5);
});

Deno.test("rounding at random has no bias; rounding toward 0 lets no norm grow", () => {
  const settings = { clip: 1, maxSamples: 1, maxMembers: 2 ** 20 };
  const update = new Float32Array(1000).fill(0.30001);
  const ring = ringOf(settings), figures = { samples: 1, loss: 0, steps: 0 };
  const value = ring.levels * Math.fround(0.30001);
  let sum = 0;
  for (let round = 0; round < 200; round++) {
    const integers = quantizeUpdate(ring, update, figures, { ...STREAM, round });
    for (let i = 0; i < update.length; i++) sum += (integers[i] ?? 0) - value;
  }
  // Deviation of a rounding at most 1/2: that of the mean 1/894.
  assert(Math.abs(sum / 200_000) < 0.006, `${sum}`);
  const down = ringOf({ ...settings, rounding: "toward-zero" });
  const both = Float32Array.of(0.30001, -0.30001, 1, -1, 1e-9, -1e-9);
  const integers = new Int32Array(quantizeUpdate(down, both, figures, STREAM).buffer);
  assertEquals([...integers.subarray(0, 6)], [
    ...[Math.floor(value), -Math.floor(value), ring.levels, -ring.levels, 0, 0],
  ]);
});

Deno.test("updates that are not finite, and settings out of range, are refused", () => {
  const ring = ringOf({ clip: 1, maxSamples: 10, maxMembers: 5 });
  const figures = { samples: 1, loss: 0, steps: 1 };
  for (const bad of [NaN, Infinity, -Infinity]) {
    const update = new Float32Array(300_000);
    update[299_999] = bad;
    assertThrows(() => quantizeUpdate(ring, update, figures, STREAM), SecureError, "finite");
    const few = new Float32Array(2);
    assertThrows(
      () => quantizeUpdate(ring, few, { ...figures, loss: bad }, STREAM),
      SecureError,
      "finite loss",
    );
  }
  for (const samples of [-1, 0.5, NaN]) {
    const work = () => quantizeUpdate(ring, new Float32Array(1), { ...figures, samples }, STREAM);
    assertThrows(work, RangeError, "samples");
  }
  for (const clip of [0, -1, Infinity, NaN, 2 ** 61]) {
    assertThrows(() => ringOf({ clip, maxSamples: 1, maxMembers: 5 }), RangeError, "clip");
  }
  for (const maxMembers of [2, 0, 3.5, 2 ** 21]) {
    assertThrows(() => ringOf({ clip: 1, maxSamples: 1, maxMembers }), RangeError, "maxMembers");
  }
  // The weights of all members have to fit into their lane.
  const tooMany = () => ringOf({ clip: 1, maxSamples: 2 ** 29, maxMembers: 9 });
  assertThrows(tooMany, RangeError, "maxSamples");
  assertThrows(() => checkMembers(ring, 6), RangeError, "3 to 5 members");
  const none = new Uint32Array(1 + LANES), one = new Float32Array(1);
  assertThrows(() => addMeanUpdate(ring, none, one, one), RangeError, "weight above 0");
});

Deno.test("graphParameters() finds the degrees and thresholds of Google's finder", () => {
  const sizes = [50, 100, 200, 500, 1000, 10_000, 100_000];
  const table = {
    "0.05 0.1 curious": "8,3 16,6 24,11 32,17 36,19 42,22 46,23",
    "0.05 0.1 double-asking": "14,9 26,16 42,27 66,44 78,52 96,64 106,70",
    "0.1 0.1 double-asking": "16,11 32,22 56,39 82,57 96,67 122,85 134,93",
    "0.2 0.1 double-asking": "22,17 42,32 76,57 116,86 140,104 184,136 204,150",
    "0.33 0.05 double-asking": "22,20 42,37 68,58 112,93 132,109 178,146 196,160",
  };
  for (const [name, expected] of Object.entries(table)) {
    const [colluding, dropping, server] = name.split(" ");
    const found = sizes.map((members) => {
      const { degree, threshold } = graphParameters(members, {
        ...{ colluding: Number(colluding), dropping: Number(dropping) },
        server: server === "curious" ? "curious" : "double-asking",
      });
      return `${degree},${threshold}`;
    });
    assertEquals(found.join(" "), expected, name);
  }
  assertEquals(graphParameters(5), { degree: 4, threshold: 4 });
  assertEquals(graphParameters(5, { server: "curious" }), { degree: 4, threshold: 3 });
  assertEquals(graphParameters(32), { degree: 31, threshold: 22 });
  assertThrows(() => graphParameters(2), RangeError, "3 members or more");
  assertThrows(() => graphParameters(100, { colluding: 0.6, dropping: 0.4 }), RangeError);
  assertThrows(
    () => graphParameters(100, { colluding: 0.5, dropping: 0.4 }),
    RangeError,
    "no degree",
  );
});

Deno.test("neighbours are mutual, and each member has as many as the degree", () => {
  const order = ringOrder(Array.from({ length: 50 }, (_, i) => i + 1));
  assertEquals(order.toSorted((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i + 1));
  const around = neighbourhoods(order, 16);
  for (const [rank, others] of around) {
    assertEquals([others.length, new Set(others).size, others[8]], [17, 17, rank]);
    for (const other of others) assert(around.get(other)?.includes(rank));
  }
});
