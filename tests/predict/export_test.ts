import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { tf } from "../../src/tfjs/deps.ts";
import { type ModelDescription, readSafetensors } from "../../mod.ts";
import type { Schema } from "../../src/data/mod.ts";
import { createInference } from "../../src/engine/inference.ts";
import { startBackend } from "../../src/tfjs/start.ts";
import { type ExportFormat, exportModel, Predictor } from "../../src/predict/mod.ts";
import type { TrainedModel } from "../../src/train/mod.ts";
import { inFolder } from "../helpers/command.ts";
import { LAYER_MODELS, randomModel, randomRows, sequential } from "../helpers/layer_models.ts";
import { findPython, runPython } from "../helpers/python.ts";
import { wardModel, withWeights } from "../helpers/trained.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROWS = 5;
const MOST_DIFFERENCE = 1e-5;

const ONNX_PYTHON = await findPython("FEDLAB_EXPORT_PYTHON", ["onnxruntime", "numpy"]);
const KERAS_PYTHON = await findPython("FEDLAB_EXPORT_PYTHON", ["keras", "safetensors", "numpy"]);

/** A test that needs a Python with some packages. */
function pythonTest(
  name: string,
  python: string | undefined,
  packages: string,
  fn: (python: string, folder: string) => Promise<void>,
): void {
  Deno.test({
    name: `${name} (needs Python with ${packages}, see FEDLAB_EXPORT_PYTHON)`,
    ignore: python === undefined,
    fn: () => inFolder((folder) => fn(python ?? "", folder)),
  });
}

/** Writes the files of an export to a folder. */
async function write(trained: TrainedModel, format: ExportFormat, folder: string): Promise<void> {
  for (const { name, bytes } of await exportModel(trained, format)) {
    await Deno.writeFile(`${folder}/${name}`, bytes);
  }
}

/** Outputs of the native engine. */
async function outputsOf(
  trained: TrainedModel & { model: ModelDescription },
  rows: Float32Array,
): Promise<{ outputs: Float32Array; shape: number[] }> {
  using inference = await createInference(trained.model, trained, { engine: "native" });
  const shape = inference.inputShape.map((size) => size ?? 1);
  return { outputs: inference.run(rows, shape), shape };
}

function assertClose(got: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assertEquals(got.length, expected.length, what);
  assert(expected.length > 0);
  const worst = Math.max(...Array.from(expected, (x, i) => Math.abs(x - (got[i] ?? NaN))));
  assert(worst < MOST_DIFFERENCE, `${what}: differs by ${worst}`);
}

function softmaxOf(outputs: Float32Array, units: number): number[] {
  return Array.from({ length: outputs.length / units }, (_, row) => {
    const exps = Array.from(outputs.subarray(row * units, (row + 1) * units), Math.exp);
    const sum = exps.reduce((a, b) => a + b, 0);
    return exps.map((x) => x / sum);
  }).flat();
}

const widthOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const shapeOf = (model: ModelDescription) => {
  const { layers } = model.topology.config as { layers: { config: Record<string, unknown> }[] };
  return (layers[0]?.config.batch_input_shape as number[]).slice(1);
};

for (const [name, model] of Object.entries(LAYER_MODELS)) {
  Deno.test(`exportModel() to tfjs: loadLayersModel() reads ${name}, and agrees`, async () => {
    const trained = await randomModel(model);
    const rows = randomRows(name, ROWS, widthOf(shapeOf(model)));
    const { outputs, shape } = await outputsOf(trained, rows);
    const files = new Map(
      (await exportModel(trained, "tfjs")).map(({ name, bytes }) => [name, bytes]),
    );
    await startBackend("cpu");
    const fetchFunc = (request: RequestInfo | URL) => {
      const url = `${request}`, bytes = files.get(url.split("/").at(-1) ?? "");
      return Promise.resolve(
        new Response(bytes, {
          headers: { "content-type": url.endsWith(".json") ? "application/json" : "" },
        }),
      );
    };
    const loaded = await tf.loadLayersModel(tf.io.http("http://model/model.json", { fetchFunc }));
    const input = tf.tensor(rows, [ROWS, ...shape]);
    const result = loaded.predict(input) as tf.Tensor;
    assertClose(result.dataSync(), outputs, name);
    tf.dispose([input, result]);
    loaded.dispose();
  });
}

const RUN_ONNX = `
import json, sys
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
(model_input,) = session.get_inputs()
shape = [-1] + model_input.shape[1:]
rows = np.fromfile(sys.argv[2], dtype=np.float32).reshape(shape)
(result,) = session.run(None, {model_input.name: rows})
print(json.dumps({
    "input": model_input.name,
    "output": session.get_outputs()[0].name,
    "shape": list(result.shape),
    "values": result.ravel().tolist(),
    "metadata": session.get_modelmeta().custom_metadata_map,
}))
`;

/** What ONNX Runtime makes of a file and rows. */
interface OnnxResult {
  input: string;
  output: string;
  shape: number[];
  values: number[];
  metadata: Record<string, string>;
}

async function runOnnx(
  python: string,
  trained: TrainedModel,
  rows: Float32Array<ArrayBuffer>,
  folder: string,
): Promise<OnnxResult> {
  await write(trained, "onnx", folder);
  await Deno.writeFile(`${folder}/rows`, new Uint8Array(rows.buffer));
  const args = [`${folder}/model.onnx`, `${folder}/rows`];
  return await runPython(python, RUN_ONNX, args) as OnnxResult;
}

for (const [name, model] of Object.entries(LAYER_MODELS)) {
  pythonTest(
    `exportModel() to ONNX: ONNX Runtime reads ${name}, and agrees`,
    ONNX_PYTHON,
    "onnxruntime",
    async (python, folder) => {
      const trained = await randomModel(model);
      const rows = randomRows(name, ROWS, widthOf(shapeOf(model)));
      const { outputs } = await outputsOf(trained, rows);
      const units = outputs.length / ROWS;
      const result = await runOnnx(python, trained, rows, folder);
      assertEquals([result.input, result.output], ["features", "probabilities"]);
      assertEquals(result.shape, [ROWS, units]);
      assertClose(result.values, softmaxOf(outputs, units), name);
    },
  );
}

pythonTest(
  "exportModel() to ONNX gives what predict does, and says what it means",
  ONNX_PYTHON,
  "onnxruntime",
  async (python, folder) => {
    const ward = await wardModel();
    const features = Float32Array.of(63, 0.66, 0, 1, 41, 0, 1, 0);
    const result = await runOnnx(python, ward, features, folder);
    await using predictor = await Predictor.of(ward);
    const rows = [{ age: 63, chol: 233, sex: "m" }, { age: 41, chol: 200, sex: "f" }];
    assertClose(result.values, (await predictor.predict(rows)).scores, "ward");
    assertEquals(JSON.parse(result.metadata.names ?? ""), ["no", "yes"]);
    assertEquals(JSON.parse(result.metadata["fedlab.schema"] ?? ""), ward.schema);

    const input: Schema["inputs"] = [{ name: "rooms", kind: "number" }];
    const measures: Schema = {
      format: "fedlab.schema/1",
      inputs: input,
      target: {
        name: "rent",
        task: "regression",
        outputs: [{ name: "rent", standardize: { mean: 1000, deviation: 200 } }],
      },
    };
    const classes: Schema = {
      ...measures,
      target: { name: "let", task: "classification", classes: ["no", "yes"] },
    };
    const labels: Schema = {
      ...measures,
      target: { name: "has", task: "multi-label", labels: ["bath", "garden"] },
    };
    const layer = (units: number) => sequential([1], [["Dense", { units }]]);
    const cases = [
      [{ ...layer(1), loss: "meanSquaredError" }, measures, [0.5, -1]],
      [{ ...layer(1), loss: "sigmoidCrossEntropy" }, classes, [0.5, -1]],
      [{ ...layer(2), loss: "sigmoidCrossEntropy" }, labels, [0.5, -1, 0.25, 2]],
    ] as const;
    for (const [model, schema, values] of cases) {
      const trained = { ...await withWeights(model, values), schema };
      const { output, values: got } = await runOnnx(python, trained, Float32Array.of(4), folder);
      assertEquals(output, schema === measures ? "values" : "probabilities");
      await using predictor = await Predictor.of(trained);
      const { scores } = await predictor.predict([{ rooms: 4 }]);
      assertClose(got, scores, schema.target.task);
    }
  },
);

const RUN_KERAS = `
import json, sys, runpy
import numpy as np
results = {}
for folder in sys.argv[1:]:
    model = runpy.run_path(folder + "/load.py")["load"](folder)
    shape = [-1] + list(model.input_shape[1:])
    rows = np.fromfile(folder + "/rows", dtype=np.float32).reshape(shape)
    results[folder] = np.asarray(model(rows)).ravel().tolist()
print(json.dumps(results))
`;

pythonTest(
  "exportModel() to Keras: load.py reads every model, and they agree",
  KERAS_PYTHON,
  "keras, jax and safetensors",
  async (python, folder) => {
    const expected = new Map<string, Float32Array>();
    // One process for all: Keras takes seconds to start.
    for (const [name, model] of Object.entries(LAYER_MODELS)) {
      const own = `${folder}/${name}`;
      await Deno.mkdir(own);
      const trained = await randomModel(model);
      const rows = randomRows(name, ROWS, widthOf(shapeOf(model)));
      expected.set(own, (await outputsOf(trained, rows)).outputs);
      await write(trained, "keras", own);
      await Deno.writeFile(`${own}/rows`, new Uint8Array(rows.buffer));
    }
    const results = await runPython(python, RUN_KERAS, [...expected.keys()]);
    for (const [own, outputs] of expected) {
      assertClose((results as Record<string, number[]>)[own] ?? [], outputs, own);
    }
  },
);

Deno.test("exportModel() to Keras writes weights by the names of Keras, with the schema", async () => {
  const ward = await wardModel();
  const files = await exportModel(ward, "keras");
  assertEquals(files.map(({ name }) => name), ["model.json", "model.safetensors", "load.py"]);
  const { manifest, parameters, metadata } = await readSafetensors(
    files[1]?.bytes ?? new Uint8Array(),
  );
  assertEquals(manifest.tensors.map(({ name }) => name), ["logits/kernel", "logits/bias"]);
  assertEquals(parameters, ward.parameters);
  assertEquals(JSON.parse(metadata["fedlab.schema"] ?? ""), ward.schema);
});

Deno.test("exportModel() names the layer that a format cannot have", async () => {
  const model = sequential([4, 3], [["LSTM", { units: 2 }], ["Dense", { units: 2 }]]);
  const { manifest, parameters } = await (async () => {
    const { initialParameters } = await import("../../mod.ts");
    return await initialParameters(model, 1, { backend: "cpu" });
  })();
  const trained = { model, manifest, parameters, metadata: {} };
  for (
    const [format, message] of [
      ["onnx", 'ONNX: Layer "layer0": recurrent layers cannot be exported yet'],
      ["keras", 'Keras: Layer "layer0" (LSTM): layers of this class cannot be exported yet'],
    ] as const
  ) {
    const expected = `Cannot export the model to ${message}`;
    await assertRejects(() => exportModel(trained, format), Error, expected);
  }
  const names = (await exportModel(trained, "tfjs")).map(({ name }) => name);
  assertEquals(names, ["model.json", "weights.bin"]);
  await assertRejects(
    () => exportModel({ ...trained, model: undefined } as unknown as TrainedModel, "onnx"),
    TypeError,
    "expected its description",
  );
});
