import { checkSampleValues } from "../train/models/model_limits.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { ModelDescription } from "../train/handler.ts";
import { type Inference, INFERENCE_ROWS } from "../train/inference.ts";
import { needBase } from "../train/base_model.ts";
import { checkEncoderEngine, makeOn } from "./choose.ts";
import type { Graph } from "./graph/graph.ts";
import { readGraph } from "./graph/read_graph.ts";
import { sizeOf } from "./graph/shapes.ts";
import { layOut } from "./layout.ts";
import { NO_BYTES } from "./layout_size.ts";
import type { TfjsOptions } from "./model_evaluator.ts";
import { checkEmbeddings, checkGraphWords } from "./ops/embedding.ts";

/**
 * Builds a model with its parameters, to compute outputs in inference mode: on the native kernels
 * where they run the model, else on tfjs.
 *
 * @param manifest Layout of the parameters; names and shapes must be those of the model.
 * @throws {TypeError} If the description cannot be read.
 * @throws {RangeError} If the parameters are not those of the model.
 */
export async function createInference(
  model: ModelDescription,
  { manifest, parameters }: { manifest: Manifest; parameters: ParameterVector },
  { engine = "auto", backend, logger, base }: TfjsOptions = {},
): Promise<Inference> {
  if (model.format === "text-encoder") {
    checkEncoderEngine(engine);
    return await needBase(base).createInference(model, { manifest, parameters });
  }
  return await makeOn<Inference, Inference>(engine, {
    native: () => {
      const graph = readGraph(model);
      checkEmbeddings(graph);
      checkSampleValues(graph.nodes);
      return nativeInference(graph, parametersFor(graph.manifest, manifest, parameters));
    },
    tfjs: async () => {
      const { tfjsInference } = await import("../tfjs/inference.ts");
      const inference = await tfjsInference(
        model,
        (layout) => parametersFor(layout, manifest, parameters),
        backend,
        logger,
      );
      const { inputShape } = inference;
      return {
        ...inference,
        run: (features, shape) => inference.run(features, checkInput(inputShape, shape)),
      };
    },
  });
}

/**
 * Puts the tensors of a vector into the order of a model, by their names.
 *
 * @throws {RangeError} If names or shapes differ; the message names the first tensor that does.
 */
export function parametersFor(
  layout: Manifest,
  manifest: Manifest,
  parameters: ParameterVector,
): ParameterVector {
  const ordered = new Float32Array(layout.length);
  const views = manifest.views(parameters);
  const places = new Map(manifest.tensors.map(({ name }, i) => [name, i]));
  for (const { name, shape, offset } of layout.tensors) {
    const place = places.get(name) ?? -1;
    const tensor = manifest.tensors[place], view = views[place];
    if (view === undefined || tensor?.shape.join() !== shape.join()) {
      throw new RangeError(
        `Cannot use the weights with the model: expected the tensor ${JSON.stringify(name)} of ` +
          `shape [${shape.join(", ")}], got ${tensor ? `[${tensor.shape.join(", ")}]` : "none"}`,
      );
    }
    ordered.set(view, offset);
    places.delete(name);
  }
  const [more] = places.keys();
  if (more === undefined) return ordered;
  throw new RangeError(
    `Cannot use the weights with the model: it has no tensor ${JSON.stringify(more)}`,
  );
}

function nativeInference(graph: Graph, parameters: ParameterVector): Inference {
  const { nodes } = graph;
  const inputShape = nodes[0]?.shape ?? [], outputShape = nodes.at(-1)?.shape ?? [];
  const layout = layOut(graph, { distance: 0, add: 1 }, {
    maxRows: INFERENCE_ROWS,
    capacity: 0,
    bytes: NO_BYTES,
    clips: false,
    extras: [],
  });
  layout.vector.set(parameters);
  const width = sizeOf(inputShape), units = sizeOf(outputShape);
  return {
    inputShape,
    outputShape,
    run(features, shape) {
      checkInput(inputShape, shape);
      checkGraphWords(graph, { features, rowLength: width });
      const { exports, program, input } = layout;
      const length = features.length / width;
      const outputs = new Float32Array(length * units);
      for (let from = 0; from < length; from += INFERENCE_ROWS) {
        const to = Math.min(from + INFERENCE_ROWS, length);
        input.set(features.subarray(from * width, to * width));
        program.forward(to - from, false);
        const { at } = program.output;
        outputs.set(
          new Float32Array(exports.memory.buffer, at, (to - from) * units),
          from * units,
        );
      }
      return outputs;
    },
    [Symbol.dispose]() {},
  };
}

/**
 * Checks that rows of a shape fit a model: they have its shape, or are taken as flat.
 *
 * @returns The shape in which they go into the model.
 * @throws {RangeError} If they do not fit.
 */
function checkInput(
  expected: readonly (number | null)[],
  shape: readonly number[],
): number[] {
  const isSame = expected.length === shape.length &&
    expected.every((size, i) => size === null || size === shape[i]);
  if (isSame) return [...shape];
  const length = sizeOf(shape);
  const isFlat = expected.length === 1 && (expected[0] === null || expected[0] === length);
  if (isFlat) return [length];
  throw new RangeError(
    `Cannot use the data with the model: the model takes samples of shape [${
      expected.map((size) => size ?? "any").join(", ")
    }], the data has [${shape.join(", ")}]`,
  );
}
