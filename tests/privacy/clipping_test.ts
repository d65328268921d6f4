import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { Random } from "../../src/base/random.ts";
import { AdaptiveClip, splitNoise } from "../../src/privacy/mechanism/adaptive_clip.ts";
import { addClipped } from "../../src/privacy/mechanism/clip.ts";

Deno.test("addClipped() makes a change no longer than the clip, and keeps its direction", () => {
  const random = new Random(1, "noise");
  const from = new Float32Array(1000), to = Float32Array.from(from, () => random.normal());
  const sum = new Float64Array(1000), unit = 0.5 / 2 ** 16;
  const { norm, isWithin } = addClipped(sum, { from, to }, { clip: 0.5, unit });
  assertEquals(isWithin, false);
  assertAlmostEquals(norm, Math.hypot(...to), 1e-6);
  const squares = sum.reduce((total, units) => total + units * units, 0);
  assertEquals(sum.every(Number.isInteger), true);
  assertEquals(squares <= 2 ** 32, true);
  assertEquals(squares > 0.999 * 2 ** 32, true);
  sum.forEach((units, i) => {
    assertAlmostEquals(units * unit, (to[i] ?? 0) * 0.5 / norm, 1.001 * unit);
    assertEquals(Math.abs(units * unit) <= Math.abs((to[i] ?? 0) * 0.5 / norm) + 1e-12, true);
  });
});

Deno.test("addClipped() leaves a short change and a change of nothing as they are", () => {
  const sum = new Float64Array(2), unit = 2 ** -10;
  const from = new Float32Array([1, 1]);
  addClipped(sum, { from, to: new Float32Array([1.25, 0.5]) }, { clip: 8, unit });
  assertEquals([...sum], [256, -512]);
  const { norm, isWithin } = addClipped(sum, { from, to: from }, { clip: 8, unit });
  assertEquals([norm, isWithin, ...sum], [0, true, 256, -512]);
});

Deno.test("addClipped() refuses a change that is not finite and leaves the sum alone", () => {
  const sum = new Float64Array([5, 5]), from = new Float32Array(2);
  for (const bad of [NaN, Infinity]) {
    const to = new Float32Array([1, bad]);
    assertThrows(
      () => addClipped(sum, { from, to }, { clip: 1, unit: 2 ** -16 }),
      RangeError,
      "expected a finite change",
    );
  }
  assertEquals([...sum], [5, 5]);
});

Deno.test("AdaptiveClip falls where more than the quantile are within it", () => {
  const clip = new AdaptiveClip({ initial: 0.1 });
  const values = [0, 0, .2, .5, .9].map((share) => {
    clip.follow(share);
    return clip.value;
  });
  const expected = [0.110517092, 0.122140276, 0.129693009, 0.129693009, 0.119721736];
  values.forEach((value, i) => assertAlmostEquals(value, expected[i] ?? 0, 1e-9));
});

for (const initial of [0.1, 0.5, 1, 2]) {
  Deno.test(`AdaptiveClip comes within 3% of the median of the norms from ${initial}`, () => {
    const random = new Random(5, "noise");
    const clip = new AdaptiveClip({ initial });
    const members = 1000, rounds = 200, last = 100;
    let mean = 0;
    for (let round = 1; round <= rounds; round++) {
      let within = 0;
      for (let i = 0; i < members; i++) {
        within += Math.exp(random.normal()) <= clip.value ? 0.5 : -0.5;
      }
      clip.follow((within + members / 20 * random.normal()) / members + 0.5);
      if (round > rounds - last) mean += Math.log(clip.value) / last;
    }
    assertAlmostEquals(Math.exp(mean), 1, 0.03);
  });
}

Deno.test("splitNoise() makes vectors and count cost one Gaussian together", () => {
  assertAlmostEquals(splitNoise(1, 5), 1.005037815, 1e-9);
  assertAlmostEquals(splitNoise(2, 5), 2.041241452, 1e-9);
  assertAlmostEquals(splitNoise(.5, .5), 0.577350269, 1e-9);
  assertAlmostEquals(splitNoise(.3, 1), 0.303433042, 1e-9);
  assertThrows(() => splitNoise(1, .5), RangeError, "a noise multiplier below 1");
});

Deno.test("AdaptiveClip refuses a clip of 0 or Infinity", () => {
  assertThrows(() => new AdaptiveClip({ initial: 0 }), RangeError, "above 0, got 0");
  assertThrows(() => new AdaptiveClip({ initial: Infinity }), RangeError, "above 0, got Infinity");
});
