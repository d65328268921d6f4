import { digits } from "../../src/data/digits.ts";
import { ByteFeatures } from "../../src/data/byte_features.ts";
import { datasetOf } from "../../src/data/dataset.ts";
import { createNativeTrainer } from "../../src/engine/create_trainer.ts";
import { modelByName } from "../../src/train/models/models.ts";
import { assert, assertEquals } from "@std/assert";

const PLAN = {
  ...{ round: 1, rank: 1, seed: 1, epochs: 1, batchSize: 10, learningRate: 0.1 },
  ...{ momentum: 0, weightDecay: 0, keepMomentum: false },
};

/** Images with as many black pixels as those of MNIST, as bytes. */
function byteImages() {
  const length = 700, bytes = new Uint8Array(length * 144);
  for (let i = 0; i < bytes.length; i++) bytes[i] = i % 144 % 12 < 7 ? 0 : i * 37 % 256;
  const targets = Int32Array.from({ length }, (_, i) => i * i % 10);
  return datasetOf(new ByteFeatures(bytes, 1 / 255), {
    ...{ targets, shape: [12, 12, 1], numClasses: 10, task: "classification" },
  });
}

for (const [name, data] of [["floats", await digits()], ["bytes", byteImages()]] as const) {
  Deno.test(`takeSteps() on ${name} does what steps one by one do, bit for bit`, () => {
    const model = modelByName("lr", { inputShape: data.shape, numClasses: 10 });
    const trainers = [1, 2].map(() => {
      const trainer = createNativeTrainer(model, { data }, "softmaxCrossEntropy");
      trainer.use(data);
      trainer.begin(PLAN, PLAN.batchSize);
      trainer.shuffle(Uint32Array.from({ length: data.length }, (_, i) => i * 11 % data.length));
      return trainer;
    });
    const [many, single] = trainers;
    assert(many?.takeSteps && single);
    const end = 693, sums = { steps: 0, loss: 0, correct: 0, counted: 0 }, wanted = { ...sums };
    const places: number[] = [];
    for (let start = 0; start < end;) {
      start = many.takeSteps(start, end, PLAN.batchSize, sums) ?? NaN;
      places.push(start);
    }
    for (let start = 0; start < end; start += PLAN.batchSize) {
      const { loss, correct, counted } = single.step(start, Math.min(start + PLAN.batchSize, end));
      wanted.steps++;
      wanted.loss += loss;
      wanted.correct += correct;
      wanted.counted += counted;
    }
    assertEquals(places, [640, 693]);
    assertEquals(sums, wanted);
    assertEquals(many.parameters, single.parameters);
  });
}

Deno.test("takeSteps() ends after a step whose loss is not finite, and leaves other models alone", async () => {
  const data = await digits(), options = { inputShape: data.shape, numClasses: 10 };
  const begin = (name: string) => {
    const model = modelByName(name, options);
    const trainer = createNativeTrainer(model, { data }, "softmaxCrossEntropy");
    trainer.use(data);
    trainer.begin({ ...PLAN, learningRate: 1e38 }, PLAN.batchSize);
    trainer.shuffle(Uint32Array.from({ length: data.length }, (_, i) => i));
    return trainer;
  };
  const sums = { steps: 0, loss: 0, correct: 0, counted: 0 };
  begin("lr").takeSteps?.(0, 100, 10, sums);
  assert(sums.steps > 1 && sums.steps < 10 && !Number.isFinite(sums.loss));
  assertEquals(begin("mlp").takeSteps?.(0, 100, 10, sums), undefined);
});
