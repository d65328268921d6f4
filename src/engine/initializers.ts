import type { ParameterVector } from "../params/manifest.ts";
import { Random } from "../base/random.ts";
import { isRecord } from "../base/json.ts";
import { field, toCamelCase } from "../train/models/keras_config.ts";
import type { Config } from "./graph/config.ts";
import { fill } from "./draw.ts";
import type { Graph, Initializer, Shape } from "./graph/graph.ts";

type VarianceScaling = Extract<Initializer, { type: "varianceScaling" }>;

const scaled = (
  scale: number,
  mode: VarianceScaling["mode"],
  distribution: VarianceScaling["distribution"],
): VarianceScaling => ({ type: "varianceScaling", scale, mode, distribution });

/** Named cases of variance scaling: Glorot and Bengio 2010, He et al. 2015, LeCun et al. 1998. */
const NAMED: ReadonlyMap<string, Initializer> = new Map<string, Initializer>([
  ["zeros", { type: "constant", value: 0 }],
  ["ones", { type: "constant", value: 1 }],
  ["glorotNormal", scaled(1, "fanAvg", "truncatedNormal")],
  ["glorotUniform", scaled(1, "fanAvg", "uniform")],
  ["heNormal", scaled(2, "fanIn", "truncatedNormal")],
  ["heUniform", scaled(2, "fanIn", "uniform")],
  ["lecunNormal", scaled(1, "fanIn", "truncatedNormal")],
  ["lecunUniform", scaled(1, "fanIn", "uniform")],
]);

/** Distributions by Keras name; Keras calls the truncated normal distribution "normal". */
const DISTRIBUTIONS: ReadonlyMap<unknown, VarianceScaling["distribution"]> = new Map([
  ["normal", "truncatedNormal"],
  ["truncatedNormal", "truncatedNormal"],
  ["untruncatedNormal", "normal"],
  ["uniform", "uniform"],
]);
const MODES: ReadonlyMap<unknown, VarianceScaling["mode"]> = new Map([
  ["fanIn", "fanIn"],
  ["fanOut", "fanOut"],
  ["fanAvg", "fanAvg"],
]);

/**
 * Reads an initializer: a name or `{ class_name, config }`. Missing options have the defaults of
 * Keras. Its seed is ignored, since weights are drawn with the seed of {@linkcode initialVector}.
 *
 * @throws {UnsupportedModelError} If the class is unknown.
 * @throws {TypeError} If the options or the shape do not fit the class.
 */
export function parseInitializer(value: unknown, layer: Config, shape: Shape): Initializer {
  const given = isRecord(value) ? field(value, "className") : value;
  const options = isRecord(value) ? field(value, "config") ?? {} : {};
  if (typeof given !== "string" || !isRecord(options)) {
    throw layer.malformed(`expected an initializer, got ${JSON.stringify(value)}`);
  }
  const camel = toCamelCase(given);
  const name = (camel.charAt(0).toLowerCase() + camel.slice(1)).replace(/^leCun/, "lecun");

  function number(key: string, fallback?: number): number {
    const option = field(options as Record<string, unknown>, key) ?? fallback;
    if (typeof option !== "number" || !Number.isFinite(option)) {
      throw layer.malformed(
        `expected ${key} of initializer ${given} to be a number, got ${JSON.stringify(option)}`,
      );
    }
    return option;
  }
  function choice<T>(key: string, choices: ReadonlyMap<unknown, T>, fallback: string): T {
    const option = field(options as Record<string, unknown>, key) ?? fallback;
    const chosen = choices.get(typeof option === "string" ? toCamelCase(option) : option);
    if (chosen === undefined) {
      throw layer.malformed(`initializer ${given} has no ${key} ${JSON.stringify(option)}`);
    }
    return chosen;
  }
  function spread(key: string, fallback: number): number {
    const option = number(key, fallback);
    if (option >= 0) return option;
    throw layer.malformed(`expected ${key} of initializer ${given} from 0, got ${option}`);
  }

  const known = NAMED.get(name);
  if (known) return known;
  switch (name) {
    case "constant":
      return { type: "constant", value: number("value") };
    case "randomUniform":
      return { type: "uniform", low: number("minval", -0.05), high: number("maxval", 0.05) };
    case "randomNormal":
      return { type: "normal", mean: number("mean", 0), stddev: spread("stddev", 0.05) };
    case "truncatedNormal":
      return { type: "truncatedNormal", mean: number("mean", 0), stddev: spread("stddev", 0.05) };
    case "varianceScaling":
      return scaled(
        spread("scale", 1),
        choice("mode", MODES, "fanIn"),
        choice("distribution", DISTRIBUTIONS, "normal"),
      );
    case "identity":
      if (shape.length !== 2) {
        throw layer.malformed(`an identity has two axes, got a weight of shape [${shape}]`);
      }
      return { type: "identity", gain: number("gain", 1) };
    case "orthogonal":
      if (shape.length < 2) {
        throw layer.malformed(`expected two axes or more to be orthogonal, got [${shape}]`);
      }
      return { type: "orthogonal", gain: number("gain", 1) };
    default:
      throw layer.unsupported(`initializer ${JSON.stringify(given)} is not known`);
  }
}

/**
 * Draws the initial weights of a graph. Each tensor draws from a stream of its own, keyed by the
 * seed and the tensor's place in the manifest.
 *
 * @throws {RangeError} If the seed is not an integer from 0 to 2^32 - 1.
 */
export function initialVector(graph: Graph, seed: number): ParameterVector {
  // Checks the seed even if no initializer is random.
  new Random(seed, "initial-weights");
  const vector = new Float32Array(graph.manifest.length);
  const views = graph.manifest.views(vector);
  for (const { parameters } of graph.nodes) {
    for (const { tensor, initializer } of parameters) {
      const values = views[tensor], spec = graph.manifest.tensors[tensor];
      if (values && spec) {
        const random = new Random(seed, "initial-weights", { rank: tensor });
        fill(values, spec.shape, initializer, random);
      }
    }
  }
  return vector;
}
