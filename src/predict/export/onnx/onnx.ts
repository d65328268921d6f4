/**
 * Models in ONNX files.
 *
 * @module
 */

import type { Graph } from "../../../engine/graph/graph.ts";
import { VERSION } from "../../../base/version.ts";
import type { Schema } from "../../../data/schema/schema.ts";
import { parametersFor } from "../../../engine/inference.ts";
import { LOSSES } from "../../../train/losses/losses.ts";
import { type Exportable, exportGraph, meaningOf } from "../exported.ts";
import { GraphBuilder, valueInfo } from "./builder.ts";
import { addLayer } from "./layers.ts";
import { encodeModel } from "./proto.ts";

/** Version of the operators: the first in which Softmax is over one axis. */
const OPSET = 13;
/** Version of the file format that belongs to it. */
const IR_VERSION = 7;
const INPUT = "features";

/**
 * Encodes a model as an ONNX file.
 *
 * Its input `features` has the shape `[rows, ...shape]` of features that are arranged by the
 * schema. Its output is `probabilities`, of shape `[rows, classes]`, or for a regression `values`,
 * in their own units. The metadata have the schema as JSON under `fedlab.schema` and the names of
 * the outputs as a JSON list under `names`.
 *
 * @throws {UnsupportedModelError} If the model has a layer that cannot be exported. The message
 * names it.
 */
export function toOnnx(trained: Exportable): Uint8Array<ArrayBuffer> {
  return exportGraph(trained, "ONNX", (graph) => encodeGraph(trained, graph));
}

function encodeGraph(
  trained: Exportable,
  { nodes, manifest }: Graph,
): Uint8Array<ArrayBuffer> {
  const views = manifest.views(parametersFor(manifest, trained.manifest, trained.parameters));
  const inputShape = nodes[0]?.shape ?? [], [units = 0] = nodes.at(-1)?.shape ?? [];
  const { schema, output } = meaningOf(trained, inputShape, units);
  const graph = new GraphBuilder(INPUT);
  const names: string[] = [];
  nodes.forEach((node, i) => {
    names[i] = i === 0 ? INPUT : addLayer(graph, {
      node,
      inputs: node.inputs.map((input) => names[input] ?? INPUT),
      inputShape: nodes[node.inputs[0] ?? 0]?.shape ?? [],
      weight(role) {
        const { tensor } = node.parameters.find((parameter) => parameter.role === role) ?? {};
        const values = tensor === undefined ? undefined : views[tensor];
        const { shape } = manifest.tensors[tensor ?? -1] ?? {};
        return values && shape && { values, shape };
      },
    });
  });
  const last = addMeaning(graph, names.at(-1) ?? INPUT, trained, schema);
  const name = schema.target.task === "regression" ? "values" : "probabilities";
  graph.add("Identity", name, [last], {}, name);
  return encodeModel({
    irVersion: IR_VERSION,
    producerName: "fedlab",
    producerVersion: VERSION,
    graph: {
      name: "fedlab",
      node: graph.nodes,
      initializer: graph.constants,
      input: [valueInfo(INPUT, inputShape)],
      output: [valueInfo(name, [output.names.length])],
    },
    opsetImport: [{ domain: "", version: OPSET }],
    metadataProps: [
      { key: "fedlab.schema", value: JSON.stringify(schema) },
      { key: "fedlab.preprocessing", value: "features are arranged by fedlab.schema" },
      { key: "names", value: JSON.stringify(output.names) },
    ],
  });
}

/** Turns the outputs of the model into probabilities or measures. */
function addMeaning(
  graph: GraphBuilder,
  last: string,
  { model: { loss } }: Exportable,
  { target }: Schema,
): string {
  const { output } = LOSSES[loss];
  if (output === "logits") return graph.add("Softmax", "output", [last], { axis: -1 });
  if (target.task === "regression") {
    const of = target.outputs.map(({ standardize }) => standardize ?? { mean: 0, deviation: 1 });
    const scaled = graph.add("Mul", "output", [
      last,
      graph.floats("output/deviations", [of.length], of.map(({ deviation }) => deviation)),
    ]);
    return graph.add("Add", "output", [
      scaled,
      graph.floats("output/means", [of.length], of.map(({ mean }) => mean)),
    ]);
  }
  const yes = output === "logit" ? graph.add("Sigmoid", "output", [last]) : last;
  if (target.task === "multi-label" || output === "probabilities") return yes;
  const no = graph.add("Sub", "output", [graph.floats("output/one", [1], [1]), yes]);
  return graph.add("Concat", "output", [no, yes], { axis: 1 });
}
