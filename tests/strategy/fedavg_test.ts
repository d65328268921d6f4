import { assertAlmostEquals, assertEquals } from "jsr:@std/assert@1.0.19";
import { FedAvg } from "../../mod.ts";
import { normalVector } from "../../src/testing/strategy/updates.ts";
import { testStrategy } from "../../src/testing/mod.ts";

testStrategy(() => new FedAvg());

Deno.test("FedAvg is the mean of the parameters weighted by samples, against a sum in float64", () => {
  const samples = [3, 600, 17, 1, 44, 250];
  const updates = samples.map((_, i) => normalVector(1001, i + 1));
  const round = new FedAvg().begin(new Float32Array(1001));
  updates.forEach((parameters, i) =>
    round.accept({ rank: i + 1, parameters, numSamples: samples[i] ?? 0 })
  );
  const mean = round.finish();
  const total = samples.reduce((sum, n) => sum + n, 0);
  for (let j = 0; j < mean.length; j++) {
    const expected = updates.reduce((sum, update, i) =>
      sum + (samples[i] ?? 0) * (update[j] ?? 0), 0) / total;
    assertAlmostEquals(mean[j] ?? NaN, expected, 1e-6);
  }
});

Deno.test("FedAvg of one client gives its parameters bit for bit", () => {
  const update = normalVector(1001, 1);
  const round = new FedAvg().begin(normalVector(1001, 0));
  round.accept({ rank: 1, parameters: update, numSamples: 599 });
  assertEquals(new Uint32Array(round.finish().slice().buffer), new Uint32Array(update.buffer));
});

Deno.test("FedAvg of 1000 clients keeps the accuracy of float32", () => {
  const value = 1 / 3;
  const round = new FedAvg().begin(new Float32Array(1));
  for (let rank = 1; rank <= 1000; rank++) {
    round.accept({
      rank,
      parameters: new Float32Array([rank % 2 ? value : 3 * value]),
      numSamples: 1,
    });
  }
  assertAlmostEquals(round.finish()[0] ?? NaN, 2 * value, 1e-6);
});
