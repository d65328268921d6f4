/**
 * Models for Keras 3.
 *
 * @module
 */

import type { Graph } from "../../engine/graph/graph.ts";
import { bytesOf, concat } from "../../base/bytes.ts";
import { parametersFor } from "../../engine/inference.ts";
import { Manifest } from "../../params/manifest.ts";
import { encodeSafetensorsHeader } from "../../store/safetensors/header.ts";
import { type Exportable, type ExportedFile, exportGraph, textFile } from "./exported.ts";
import { kerasConfig, kerasWeightName } from "./keras_config.ts";

/** Program that loads the other files. */
const LOADER = `"""Loads the model of this folder into Keras 3.

    python load.py model.keras     saves it as one file of Keras

Needs the packages keras and safetensors. The inputs are features that are
arranged by the schema in the metadata of model.safetensors; the outputs are
what the loss takes, which are logits for softmaxCrossEntropy.
"""

import pathlib
import sys

import keras
from safetensors.numpy import load_file


def load(folder=pathlib.Path(__file__).parent):
    folder = pathlib.Path(folder)
    model = keras.models.model_from_json((folder / "model.json").read_text(encoding="utf-8"))
    weights = load_file(folder / "model.safetensors")
    for layer in model.layers:
        for variable in layer.weights:
            variable.assign(weights.pop(f"{layer.name}/{variable.name}"))
    if weights:
        raise ValueError(f"expected weights of the model alone, got {', '.join(weights)} too")
    return model


if __name__ == "__main__":
    load().save(sys.argv[1])
`;

/**
 * Encodes a model as the files `model.json`, `model.safetensors` and `load.py`, a program that
 * loads the other two into Keras 3.
 *
 * @throws {UnsupportedModelError} If the model has a layer that cannot be exported. The message
 * names it.
 */
export function toKeras(trained: Exportable): ExportedFile[] {
  return exportGraph(trained, "Keras", (graph) => filesOf(trained, graph));
}

function filesOf(trained: Exportable, { manifest, nodes }: Graph): ExportedFile[] {
  const { model, schema, parameters, manifest: layout } = trained;
  const ordered = parametersFor(manifest, layout, parameters);
  const layers = new Map(
    nodes.flatMap(({ name, parameters }) => parameters.map(({ tensor }) => [tensor, name])),
  );
  const renamed = Manifest.of(
    manifest.tensors.map((tensor, i) => ({
      ...tensor,
      name: kerasWeightName(layers.get(i) ?? "", tensor.name),
    })),
  );
  const header = encodeSafetensorsHeader(renamed, {
    "fedlab.loss": model.loss,
    ...(schema && { "fedlab.schema": JSON.stringify(schema) }),
  });
  return [
    textFile("model.json", JSON.stringify(kerasConfig(model.topology))),
    { name: "model.safetensors", bytes: concat([header, bytesOf(ordered)]) },
    textFile("load.py", LOADER),
  ];
}
