import type { Schema } from "../../data/schema/schema.ts";
import { type Graph, UnsupportedModelError } from "../../engine/graph/graph.ts";
import { readGraph } from "../../engine/graph/read_graph.ts";
import { defaultSchema } from "../default_schema.ts";
import { type OutputReader, outputReader } from "../output.ts";
import { needModel } from "../predictor.ts";
import type { ModelDescription } from "../../train/handler.ts";
import type { TrainedModel } from "../../train/models/model_file.ts";

/** File of an exported model. */
export interface ExportedFile {
  /** Name of the file. */
  readonly name: string;
  /** Content. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Model to export, with all that it needs. */
export interface Exportable extends TrainedModel {
  readonly model: ModelDescription;
}

/**
 * Checks that a model has a description, of layers.
 *
 * @throws {TypeError} If it has none.
 * @throws {UnsupportedModelError} If it is described on a pretrained encoder.
 */
export function exportable(trained: TrainedModel): Exportable {
  const model = needModel(trained);
  if (model.format === "text-encoder") {
    throw new UnsupportedModelError(
      "Cannot export the model: it is a head or adapters on a pretrained encoder; writePeft() writes them for PEFT",
    );
  }
  return { ...trained, model };
}

/**
 * Exports the layers of a model.
 *
 * @param format Name of the format, for the message.
 * @throws {UnsupportedModelError} If a layer cannot be exported; the message names it.
 */
export function exportGraph<T>(
  { model }: Exportable,
  format: string,
  toFormat: (graph: Graph) => T,
): T {
  try {
    return toFormat(readGraph(model));
  } catch (error) {
    if (!(error instanceof UnsupportedModelError)) throw error;
    throw new UnsupportedModelError(`Cannot export the model to ${format}: ${error.message}`, {
      cause: error,
    });
  }
}

/**
 * Describes the outputs of a model.
 *
 * @param shape Shape of a row of its input.
 * @param units Number of values that it gives for a row.
 */
export function meaningOf(
  { schema, model: { loss } }: Exportable,
  shape: readonly (number | null)[],
  units: number,
): { schema: Schema; output: OutputReader } {
  const known = schema ?? defaultSchema(shape, units, loss);
  return { schema: known, output: outputReader(known, loss, units) };
}

/** Encodes a text as a file. */
export function textFile(name: string, text: string): ExportedFile {
  return { name, bytes: new TextEncoder().encode(text) };
}
