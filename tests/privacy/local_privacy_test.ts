import { assert, assertAlmostEquals, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { LocalPrivacy, PrivacyBudgetError, zcdpEpsilon, zcdpNoise } from "../../src/privacy/mod.ts";

const OPTIONS = { noise: 1, delta: 1e-5, clip: 0.5 };

Deno.test("protect() clips the change and adds noise of the clip's size", async () => {
  const length = 20_000, noise = 3, clip = 0.5;
  const from = new Float32Array(length).fill(1), to = new Float32Array(length).fill(5);
  const { updates } = new LocalPrivacy({ ...OPTIONS, noise });
  const sent = await updates.protect({ from, to, fixed: [] });
  const changes = Float64Array.from(sent, (value) => value - 1);
  const mean = changes.reduce((a, b) => a + b, 0) / length;
  const deviation = Math.sqrt(changes.reduce((a, b) => a + (b - mean) ** 2, 0) / length);
  const want = noise * clip;
  assertAlmostEquals(mean, clip / Math.sqrt(length), 5 * want / Math.sqrt(length));
  assertAlmostEquals(deviation / want, 1, 5 / Math.sqrt(2 * length));
  assert([...from].every((value) => value === 1) && [...to].every((value) => value === 5));
});

Deno.test("values that do not change get no noise, and must not change", async () => {
  const { updates } = new LocalPrivacy(OPTIONS);
  const from = new Float32Array([1, 2, 3, 4]);
  const fixed = [[1, 3]] as const;
  const sent = await updates.protect({ from, to: new Float32Array([9, 2, 3, 9]), fixed });
  assertEquals([sent[1], sent[2]], [2, 3]);
  assert(sent[0] !== 1 && sent[3] !== 4);
  await assertRejects(
    () => updates.protect({ from, to: new Float32Array([9, 2, 5, 9]), fixed }),
    RangeError,
    "such as BatchNorm's",
  );
});

Deno.test("epsilon is that of a sensitivity of twice the clip, composed over the updates", async () => {
  const privacy = new LocalPrivacy({ epsilon: 8, delta: 1e-5, clip: 0.5, rounds: 4 });
  const change = { from: new Float32Array(3), to: new Float32Array(3), fixed: [] };
  for (let round = 1; round <= 4; round++) {
    await privacy.updates.check();
    await privacy.updates.protect(change);
    const { noise = NaN, epsilon } = privacy.report;
    assertAlmostEquals(epsilon ?? NaN, zcdpEpsilon(round / (2 * (noise / 2) ** 2), 1e-5), 1e-12);
  }
  const { noise = NaN, epsilon = NaN, unit, relation } = privacy.report;
  assertAlmostEquals(epsilon, 8, 1e-5);
  // Four updates of noise z are as good as one of z / 2.
  assertAlmostEquals(noise / 2 / Math.sqrt(4), zcdpNoise(8, 1e-5), 1e-5);
  assertEquals([unit, relation], ["client", "replace"]);
  await assertRejects(() => privacy.updates.check(), PrivacyBudgetError);
  await assertRejects(() => privacy.updates.protect(change), PrivacyBudgetError);
  assertEquals(privacy.report.releases, 4);
});

Deno.test("an update that is not finite is refused and costs nothing", async () => {
  const privacy = new LocalPrivacy(OPTIONS);
  for (const value of [NaN, Infinity]) {
    const change = { from: new Float32Array(2), to: new Float32Array([1, value]), fixed: [] };
    await assertRejects(() => privacy.updates.protect(change), RangeError, "a finite change");
  }
  assertEquals(privacy.report.releases, 0);
});

Deno.test("a seeded noise repeats, and guarantees nothing", async () => {
  const send = async () => {
    const privacy = new LocalPrivacy({ ...OPTIONS, noiseSeed: 5 });
    const change = { from: new Float32Array(9), to: new Float32Array(9), fixed: [] };
    assertEquals(privacy.report.guarantee, "nothing: the noise is seeded");
    return await privacy.updates.protect(change);
  };
  assertEquals(await send(), await send());
});
