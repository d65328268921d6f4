import { Dataset } from "../../src/data/dataset.ts";
import { initialVector } from "../../src/engine/initializers.ts";
import { readGraph } from "../../src/engine/graph/read_graph.ts";
import { NativeTrainer } from "../../src/engine/trainer.ts";
import { tf } from "../../src/tfjs/deps.ts";
import { languageModel } from "../../src/train/models/language.ts";
import { PLAN } from "./step.ts";

/** Language model of recurrent layers, whose embedding has 8 values. */
export interface SequenceModel {
  readonly cell: "lstm" | "gru";
  readonly layers: number;
  readonly units: number;
  readonly symbols: number;
  readonly steps: number;
}

const EMBEDDING = 8;
const GATES = { lstm: 4, gru: 3 };

/**
 * Counts the floating-point operations of the matrix products of a step and sequence: three times
 * those of the forward pass.
 */
export function operationsOf({ cell, layers, units, symbols, steps }: SequenceModel): number {
  const inputs = EMBEDDING + (layers - 1) * units;
  const weights = GATES[cell] * units * (inputs + layers * units) + units * symbols;
  return 3 * 2 * weights * steps;
}

/** Makes sequences of symbols, and labels for each step. */
export function sequences({ symbols, steps }: SequenceModel, rows: number): Dataset {
  const count = rows * steps;
  return Dataset.of({
    features: Float32Array.from({ length: count }, (_, i) => 1 + i * 7 % (symbols - 1)),
    targets: Int32Array.from({ length: count }, (_, i) => 1 + (i + 1) * 7 % (symbols - 1)),
    shape: [steps],
    task: "classification",
    numClasses: symbols,
    outputs: steps,
  });
}

/** Makes a function that takes a step of SGD on the engine. */
export function nativeSequenceStep(model: SequenceModel, batch: number): () => void {
  const graph = readGraph(languageModel(model));
  const data = sequences(model, batch);
  const trainer = NativeTrainer.create(graph, data.length);
  trainer.use(data);
  trainer.parameters = initialVector(graph, 1);
  trainer.begin(PLAN, batch);
  trainer.shuffle(Uint32Array.from({ length: batch }, (_, i) => i));
  return () => void trainer.step(0, batch);
}

/**
 * Makes a function that takes a step of SGD on tfjs. Its backend is set before.
 *
 * @param embeds False for a model without an embedding, whose gradient the WASM backend lacks: the
 * input are the values of the symbols.
 */
export function tfjsSequenceStep(
  model: SequenceModel,
  batch: number,
  { embeds }: { readonly embeds: boolean },
): () => void {
  const { features, targets, shape } = sequences(model, batch);
  const options = { units: model.units, returnSequences: true };
  const layers = tf.sequential();
  if (embeds) {
    layers.add(tf.layers.embedding({
      inputDim: model.symbols,
      outputDim: EMBEDDING,
      inputShape: [...shape],
    }));
  }
  for (let i = 0; i < model.layers; i++) {
    layers.add(tf.layers.lstm({
      ...options,
      ...i === 0 && !embeds && { inputShape: [model.steps, EMBEDDING] },
      recurrentActivation: "sigmoid",
      // The default takes seconds to compute.
      recurrentInitializer: "glorotUniform",
    }));
  }
  layers.add(tf.layers.dense({ units: model.symbols }));
  const x = embeds
    ? tf.tensor(features, [batch, ...shape])
    : tf.randomUniform([batch, model.steps, EMBEDDING], -1, 1);
  const y = tf.oneHot(tf.tensor(targets, [batch, ...shape], "int32"), model.symbols);
  const optimizer = tf.train.sgd(PLAN.learningRate);
  const loss = () => {
    const logits = layers.apply(x, { training: true }) as tf.Tensor;
    return tf.losses.softmaxCrossEntropy(y, logits) as tf.Scalar;
  };
  return () => tf.tidy(() => void optimizer.minimize(loss));
}
