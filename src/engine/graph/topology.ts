import { checkTopology, unwrapTopology } from "../../train/models/check_topology.ts";
import { isRecord } from "../../base/json.ts";
import { field } from "../../train/models/keras_config.ts";
import { Config, isCount } from "./config.ts";
import { type Shape, UnsupportedModelError } from "./graph.ts";

/**
 * Layer of a model. `inputs` are indices of earlier layers. The first layer is the input, the last
 * one the output.
 */
export interface PlacedLayer {
  readonly config: Config;
  readonly inputs: readonly number[];
}

/** Layers of a model, in the order in which tfjs lists their weights, and the shape of a sample. */
export interface Topology {
  readonly layers: readonly PlacedLayer[];
  readonly inputShape: Shape;
}

interface Entry {
  readonly config: Config;
  /** Name by which other layers refer to it. */
  readonly key: string;
  readonly inboundNodes: unknown;
}

function malformed(reason: string): TypeError {
  return new TypeError(`Cannot read the model: ${reason}`);
}

/** Converts the name of a class to snake case as tfjs does. */
function snakeCase(className: string): string {
  return className.replaceAll(/(.)([A-Z][a-z0-9]+)/g, "$1_$2")
    .replaceAll(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
}

function readEntries(layers: unknown): Entry[] {
  if (!Array.isArray(layers) || layers.length === 0) {
    throw malformed("expected a list of one layer or more");
  }
  const names = new Set<string>();
  return layers.map((layer: unknown, i) => {
    const className = isRecord(layer) ? field(layer, "className") : undefined;
    const config = isRecord(layer) ? field(layer, "config") : undefined;
    if (!isRecord(layer) || typeof className !== "string" || !isRecord(config)) {
      throw malformed(`expected layer ${i} to have class_name and config`);
    }
    // The name that tfjs would give, with a count of this model alone.
    const automatic = `${snakeCase(className)}_${className}${i + 1}`;
    const given = field(config, "name") || automatic;
    if (typeof given !== "string") {
      throw malformed(`expected the name of layer ${i} to be a string`);
    }
    if (names.has(given)) throw malformed(`two layers have the name ${JSON.stringify(given)}`);
    names.add(given);
    const key = field(layer, "name");
    return {
      config: new Config(className, given, config),
      key: typeof key === "string" ? key : given,
      inboundNodes: field(layer, "inboundNodes"),
    };
  });
}

/**
 * Returns the shape of one sample from the configuration of a first layer; `undefined` if it gives
 * none.
 */
function readInputShape(config: Config): Shape | undefined {
  const batched = config.get("batchInputShape");
  let shape: unknown = config.get("inputShape");
  if (Array.isArray(batched)) {
    shape = batched.slice(1);
    if (batched.length < 1 || (batched[0] !== null && batched[0] !== -1)) {
      throw config.unsupported(
        `a fixed batch size, here ${JSON.stringify(batched[0])}, has no kernel`,
      );
    }
  } else if (batched !== undefined) {
    throw config.malformed("expected batch_input_shape to be a list");
  }
  if (shape === undefined && config.className === "Dense") shape = config.get("inputDim");
  if (shape === undefined && config.className === "Embedding") {
    shape = config.get("inputLength") ?? [null];
  }
  if (shape === undefined) return undefined;
  const sizes: unknown[] = Array.isArray(shape) ? shape : [shape];
  if (sizes.some((size) => size === null || size === -1)) {
    throw config.unsupported(`the input shape ${JSON.stringify(sizes)} leaves a size open`);
  }
  if (!sizes.every(isCount)) {
    throw config.malformed(
      `expected an input shape of whole numbers from 1, got ${JSON.stringify(sizes)}`,
    );
  }
  return sizes;
}

function readSequential(config: unknown): Topology {
  const entries = readEntries(isRecord(config) ? field(config, "layers") : config);
  const [first] = entries;
  const inputShape = first && readInputShape(first.config);
  if (!first || !inputShape) throw malformed("expected the first layer to give an input shape");
  const configs = entries.map(({ config }) => config);
  if (first.config.className !== "InputLayer") {
    const dtype = first.config.get("dtype");
    const fields = dtype === undefined ? {} : { dtype };
    configs.unshift(new Config("InputLayer", `${first.config.name}_input`, fields));
  }
  return { inputShape, layers: configs.map((config, i) => ({ config, inputs: i ? [i - 1] : [] })) };
}

function nodeKey(value: unknown, where: string): string {
  const [key, node = 0, tensor = 0, options = {}] = Array.isArray(value) ? value : [];
  if (typeof key !== "string" || typeof node !== "number" || typeof tensor !== "number") {
    throw malformed(`expected ${where} to be [name, node, tensor], got ${JSON.stringify(value)}`);
  }
  if (node !== 0 || tensor !== 0) {
    throw new UnsupportedModelError(`Layer ${JSON.stringify(key)}: it is shared`);
  }
  if (options !== null && Object.keys(options).length > 0) {
    throw new UnsupportedModelError(`Layer ${JSON.stringify(key)}: it is called with options`);
  }
  return key;
}

function onlyKey(config: Record<string, unknown>, key: "inputLayers" | "outputLayers"): string {
  const value = field(config, key), kind = key === "inputLayers" ? "input" : "output";
  if (!Array.isArray(value) || value.length === 0) throw malformed(`expected a list of ${kind}s`);
  if (value.length > 1) {
    throw new UnsupportedModelError(`The model has ${value.length} ${kind}s, and not one`);
  }
  return nodeKey(value[0], `the model's ${kind}`);
}

function inboundKeys({ config, inboundNodes }: Entry): string[] {
  if (!Array.isArray(inboundNodes)) throw config.malformed("expected inbound_nodes to be a list");
  if (inboundNodes.length > 1) throw config.unsupported("it is shared");
  const [node = []] = inboundNodes;
  if (!Array.isArray(node)) throw config.malformed("expected inbound_nodes to be a list of lists");
  return node.map((value) => nodeKey(value, `an input of layer ${JSON.stringify(config.name)}`));
}

function readFunctional(config: unknown): Topology {
  if (!isRecord(config)) throw malformed("expected the config of a functional model");
  const entries = new Map(readEntries(field(config, "layers")).map((entry) => [entry.key, entry]));
  const input = onlyKey(config, "inputLayers"), output = onlyKey(config, "outputLayers");
  const find = (key: string): Entry => {
    const entry = entries.get(key);
    if (!entry) throw malformed(`there is no layer ${JSON.stringify(key)}`);
    return entry;
  };

  // The order is that of tfjs: layers farther from the output come first; among equals, the one
  // that was met first going back from the output.
  const met = new Map<string, number>(), inbound = new Map<string, string[]>();
  const finished: string[] = [], stack: { key: string; next: number }[] = [];
  const open = new Set<string>();
  const enter = (key: string) => {
    if (open.has(key)) throw malformed(`layer ${JSON.stringify(key)} is part of a cycle`);
    if (met.has(key)) return;
    met.set(key, met.size);
    inbound.set(key, inboundKeys(find(key)));
    open.add(key);
    stack.push({ key, next: 0 });
  };
  enter(output);
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const before = inbound.get(top.key)?.[top.next++];
    if (before !== undefined) {
      enter(before);
    } else {
      finished.push(top.key);
      open.delete(top.key);
      stack.pop();
    }
  }
  const depths = new Map<string, number>();
  for (const key of finished.toReversed()) {
    const depth = depths.get(key) ?? 0;
    depths.set(key, depth);
    for (const before of inbound.get(key) ?? []) {
      depths.set(before, Math.max(depth + 1, depths.get(before) ?? 0));
    }
  }
  const rank = (places: Map<string, number>, key: string) => places.get(key) ?? 0;
  const order = finished.toSorted((a, b) =>
    rank(depths, b) - rank(depths, a) || rank(met, a) - rank(met, b)
  );

  for (const key of order) {
    const { config } = find(key), isInput = config.className === "InputLayer";
    const count = inbound.get(key)?.length ?? 0;
    if (key === input ? !isInput : isInput || count === 0) {
      throw config.malformed("the model's input is another layer");
    }
    if (isInput && count > 0) throw config.malformed("an InputLayer has no inputs");
  }
  if (order[0] !== input) throw malformed("the output does not depend on the input");
  const inputShape = readInputShape(find(input).config);
  if (!inputShape) throw find(input).config.malformed("expected an input shape");
  const places = new Map(order.map((key, i) => [key, i]));
  return {
    inputShape,
    layers: order.map((key) => ({
      config: find(key).config,
      inputs: (inbound.get(key) ?? []).map((before) => rank(places, before)),
    })),
  };
}

/** Reads the layers of a `Sequential` or a functional model. */
export function readTopology(topology: Record<string, unknown>): Topology {
  checkTopology(topology);
  const model = unwrapTopology(topology);
  const className = field(model, "className"), config = field(model, "config");
  if (className === "Sequential") return readSequential(config);
  if (className === "Model" || className === "Functional") return readFunctional(config);
  if (typeof className !== "string") throw malformed("expected a topology with class_name");
  throw new UnsupportedModelError(
    `The model is of class ${JSON.stringify(className)}, and not Sequential, Model or Functional`,
  );
}
