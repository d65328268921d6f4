import { assert, assertEquals, assertNotEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { initialParameters } from "../../src/engine/model_evaluator.ts";
import type { ModelDescription } from "../../src/train/handler.ts";
import {
  logisticRegression,
  mlp,
  MODEL_NAMES,
  modelByName,
  twoNN,
} from "../../src/train/models/models.ts";
import { seedInitializers } from "../../src/train/models/seed_initializers.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MNIST = { inputShape: [28, 28, 1], numClasses: 10 };

/** Every `seed` in a description, in order. */
function seedsOf(description: ModelDescription): unknown[] {
  const seeds: unknown[] = [];
  JSON.stringify(description.topology, (key, value) => {
    if (key === "seed") seeds.push(value);
    return value;
  });
  return seeds;
}

function unitsOf({ topology }: ModelDescription): unknown[] {
  const { layers } = topology.config as {
    layers: { class_name: string; config: { units?: number } }[];
  };
  return layers.map(({ class_name, config }) => config.units ?? class_name);
}

Deno.test("modelByName() describes each model by its layers", () => {
  assertEquals(unitsOf(modelByName("lr", MNIST)), ["Flatten", 10]);
  assertEquals(unitsOf(modelByName("mlp", MNIST)), ["Flatten", 64, 10]);
  assertEquals(unitsOf(modelByName("2nn", MNIST)), ["Flatten", 200, 200, 10]);
  assertEquals(unitsOf(mlp({ inputShape: [4], numClasses: 3, hiddenUnits: 5 })), [5, 3]);
});

Deno.test("modelByName() lists the known models for an unknown name", () => {
  for (const name of ["vgg", "", "constructor"]) {
    assertThrows(() => modelByName(name, MNIST), RangeError, MODEL_NAMES.join(", "));
  }
});

for (const engine of ["native", "tfjs"] as const) {
  Deno.test(`logistic regression starts from zeros on ${engine}, and from glorot where it is asked for`, async () => {
    for (const task of ["classification", "regression", "multi-label"] as const) {
      const options = { inputShape: [6], numClasses: 3, outputs: 2, task };
      const start = async (init?: "zeros" | "glorot") => {
        const model = modelByName("lr", { ...options, ...(init && { init }) });
        const { parameters } = await initialParameters(model, 1, { engine, backend: "cpu" });
        return [...parameters];
      };
      const zeros = await start();
      assertEquals(zeros, zeros.map(() => 0));
      assertEquals(await start("zeros"), zeros);
      const glorot = await start("glorot"), outputs = task === "classification" ? 3 : 2;
      const bound = Math.sqrt(6 / (6 + outputs));
      const kernel = glorot.slice(0, 6 * outputs);
      assertEquals(new Set(kernel).size, kernel.length);
      assert(kernel.every((weight) => weight !== 0 && Math.abs(weight) <= bound), `${kernel}`);
      assertEquals(glorot.slice(6 * outputs), zeros.slice(6 * outputs));
    }
  });
}

Deno.test("models with hidden layers start from glorot, and refuse zeros", () => {
  const names = MODEL_NAMES.filter((name) => !["lstm", "gru", "minilm"].includes(name));
  for (const name of names.filter((name) => name !== "lr")) {
    assertEquals(modelByName(name, { ...MNIST, init: "glorot" }), modelByName(name, MNIST));
    assertThrows(
      () => modelByName(name, { ...MNIST, init: "zeros" }),
      RangeError,
      `expected initial weights glorot for ${name}`,
    );
  }
  for (const name of names) {
    const init = "ones" as "zeros";
    assertThrows(() => modelByName(name, { ...MNIST, init }), RangeError, 'got "ones"');
  }
});

Deno.test("the models refuse invalid sizes", () => {
  assertThrows(() => logisticRegression({ inputShape: [], numClasses: 2 }), RangeError, "[]");
  assertThrows(() => logisticRegression({ inputShape: [0], numClasses: 2 }), RangeError, "got 0");
  assertThrows(() => twoNN({ inputShape: [4], numClasses: 1 }), RangeError, "got 1");
  assertThrows(() => mlp({ inputShape: [4], numClasses: 2, hiddenUnits: 1.5 }), RangeError, "1.5");
});

Deno.test("seedInitializers() gives each random initializer its own seed, the same each time", () => {
  const seeds = seedsOf(seedInitializers(twoNN(MNIST), 7));
  assertEquals(seeds.length, 3);
  assertEquals(new Set(seeds).size, 3);
  assert(seeds.every((seed) => typeof seed === "number" && seed > 0));
  assertEquals(seedsOf(seedInitializers(twoNN(MNIST), 7)), seeds);
  assertNotEquals(seedsOf(seedInitializers(twoNN(MNIST), 8)), seeds);
});

Deno.test("seedInitializers() leaves its argument and the constant initializers as they are", () => {
  const description = mlp(MNIST);
  const before = structuredClone(description);
  const seeded = JSON.stringify(seedInitializers(description, 1));
  assertEquals(description, before);
  assert(seeded.includes('"bias_initializer":{"class_name":"Zeros","config":{}}'));
});

Deno.test("seedInitializers() keeps explicit seeds, but not 0, which means none in tfjs", () => {
  const layer = (seed: number) => ({
    class_name: "Dense",
    config: {
      units: 2,
      kernel_initializer: { class_name: "VarianceScaling", config: { seed, scale: 2 } },
    },
  });
  const description: ModelDescription = {
    format: "tfjs-layers",
    topology: { class_name: "Sequential", config: { layers: [layer(5), layer(0)] } },
    loss: "softmaxCrossEntropy",
  };
  const [first, second] = seedsOf(seedInitializers(description, 1));
  assertEquals(first, 5);
  assertNotEquals(second, 0);
});

Deno.test("seedInitializers() expands initializers that are names or defaults", () => {
  const description: ModelDescription = {
    format: "tfjs-layers",
    topology: {
      class_name: "Sequential",
      config: {
        layers: [
          { class_name: "Dense", config: { units: 2 } },
          { class_name: "Dense", config: { units: 2, kernel_initializer: "he_normal" } },
          { class_name: "Dense", config: { units: 2, kernelInitializer: "leCunUniform" } },
          { class_name: "Dense", config: { units: 2, kernel_initializer: "zeros" } },
          { class_name: "LSTM", config: { units: 2 } },
        ],
      },
    },
    loss: "softmaxCrossEntropy",
  };
  const seeded = seedInitializers(description, 1);
  assertEquals(seedsOf(seeded).length, 5);
  const text = JSON.stringify(seeded);
  for (const name of ["GlorotNormal", "HeNormal", "LeCunUniform", "Orthogonal", '"zeros"']) {
    assert(text.includes(name), name);
  }
});

Deno.test("seedInitializers() refuses a seed out of range", () => {
  assertThrows(() => seedInitializers(mlp(MNIST), -1), RangeError, "-1");
});
