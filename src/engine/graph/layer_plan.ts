import type { Config } from "./config.ts";
import type { ActivationName, Initializer, Layer, ParameterRole, Shape } from "./graph.ts";
import { parseInitializer } from "../initializers.ts";

/** Weight that a layer declares. */
export interface WeightPlan {
  readonly role: ParameterRole;
  /** Name within the layer, as in tfjs. */
  readonly name: string;
  readonly shape: Shape;
  readonly initializer: Initializer;
  readonly trainable: boolean;
}

/** Plan of a layer: operations in a row, of which the first has the weights. */
export interface LayerPlan {
  readonly operations: readonly Layer[];
  readonly shape: Shape;
  readonly weights: readonly WeightPlan[];
}

/** Function that plans a layer from its configuration and the shapes of its inputs. */
export type Reader = (config: Config, inputs: readonly Shape[]) => LayerPlan;

const ACTIVATIONS: ReadonlySet<string> = new Set<ActivationName>([
  "relu",
  "sigmoid",
  "tanh",
  "softmax",
  "gelu",
  "geluNew",
]);

/** Returns the operations of the layer's own activation: none for "linear". */
export function activation(config: Config): Layer[] {
  const name = config.get("activation") === undefined ? "linear" : config.word("activation");
  if (name === "linear") return [];
  if (ACTIVATIONS.has(name)) {
    return [{ type: "activation", name: name as ActivationName, alpha: 0 }];
  }
  throw config.unsupported(`activation ${JSON.stringify(name)} has no kernel`);
}

/** Returns the shape of the only input, and checks its number of axes. */
export function onlyInput(config: Config, inputs: readonly Shape[], rank?: number): Shape {
  const [shape] = inputs;
  if (!shape || inputs.length > 1) {
    throw config.malformed(`expected one input, got ${inputs.length}`);
  }
  if (rank !== undefined && shape.length !== rank) {
    throw config.malformed(`expected samples of ${rank} axes, got [${shape}]`);
  }
  return shape;
}

/** Returns the size of the last axis. */
export function lastOf(config: Config, shape: Shape): number {
  const size = shape.at(-1);
  if (size === undefined) throw config.malformed("expected samples of one axis or more, got []");
  return size;
}

/** Plans a weight whose initializer is given under `option`, else is `fallback`. */
export function weight(
  config: Config,
  role: ParameterRole,
  shape: Shape,
  { name = role, option = `${name}Initializer`, fallback, trainable = true }: {
    name?: string;
    option?: string;
    fallback: string;
    trainable?: boolean;
  },
): WeightPlan {
  const initializer = parseInitializer(config.get(option) ?? fallback, config, shape);
  return { role, name, shape, initializer, trainable };
}

/** Default initializer of kernels in tfjs. */
export const KERNEL = { fallback: "glorotNormal" };
/** Default initializer of biases in tfjs. */
export const BIAS = { fallback: "zeros" };
