import { isRecord } from "../../base/json.ts";
import { field } from "../../train/models/keras_config.ts";
import { checkCommon, Config } from "./config.ts";
import type { MergeMode, RecurrentLayer, Shape } from "./graph.ts";
import { BIAS, KERNEL, type LayerPlan, onlyInput, weight } from "./layer_plan.ts";

const CELLS = { LSTM: "lstm", GRU: "gru", SimpleRNN: "simpleRnn" } as const;
const GATES = { lstm: 4, gru: 3, simpleRnn: 1 };
/** Options that change the result and have no kernel, with the values that change nothing. */
const PLAIN = {
  activation: ["tanh"],
  dropout: [0],
  recurrentDropout: [0],
  returnState: [false],
  stateful: [false],
  timeMajor: [false],
  zeroOutputForMask: [false],
} as const;

function isCell(className: string): className is keyof typeof CELLS {
  return Object.hasOwn(CELLS, className);
}

/**
 * Plans LSTM, GRU and SimpleRNN over sequences `[steps, inputs]`.
 *
 * An LSTM may have the option `peepholes`, which Keras lacks: its gates then see its cell.
 */
export function recurrent(config: Config, inputs: readonly Shape[]): LayerPlan {
  const [steps = 0, width = 0] = onlyInput(config, inputs, 2);
  const { className } = config;
  if (!isCell(className)) throw config.unsupported("it has no kernel");
  const cell = CELLS[className], gates = GATES[cell];
  const units = config.count("units"), useBias = config.boolean("useBias", true);
  for (const [key, values] of Object.entries(PLAIN)) config.only(key, ...values);
  if (cell !== "simpleRnn") config.only("recurrentActivation", "sigmoid", "hardSigmoid");
  const peepholes = cell === "lstm" && config.boolean("peepholes", false);
  const resetAfter = cell === "gru" && config.boolean("resetAfter", false);
  const layer: RecurrentLayer = {
    type: "recurrent",
    cell,
    units,
    steps,
    useBias,
    // The defaults are those of tfjs.
    hard: cell !== "simpleRnn" && config.word("recurrentActivation", "hardSigmoid") !== "sigmoid",
    peepholes,
    resetAfter,
    returnSequences: config.boolean("returnSequences", false),
    backwards: config.boolean("goBackwards", false),
  };
  const bias = () => {
    const shape = resetAfter ? [2, gates * units] : [gates * units];
    const plan = weight(config, "bias", shape, BIAS);
    const isForgetting = cell === "lstm" && config.boolean("unitForgetBias", false);
    if (!isForgetting) return plan;
    return { ...plan, initializer: { type: "unitForget", rest: plan.initializer } as const };
  };
  return {
    operations: [layer],
    shape: layer.returnSequences ? [steps, units] : [units],
    weights: [
      weight(config, "kernel", [width, gates * units], KERNEL),
      weight(config, "recurrentKernel", [units, gates * units], {
        name: "recurrent_kernel",
        option: "recurrentInitializer",
        fallback: "orthogonal",
      }),
      ...useBias ? [bias()] : [],
      ...peepholes ? [weight(config, "peepholes", [3, units], { fallback: "zeros" })] : [],
    ],
  };
}

const MERGES: readonly MergeMode[] = ["concat", "sum", "mul", "ave"];

/**
 * Plans Bidirectional around LSTM, GRU or SimpleRNN: the same layer twice, of which the second one
 * begins at the last step.
 */
export function bidirectional(config: Config, inputs: readonly Shape[]): LayerPlan {
  const inner = innerConfig(config, "layer"), other = config.get("backwardLayer");
  if (other !== undefined && !isTurned(inner, innerConfig(config, "backwardLayer"))) {
    throw config.unsupported("a backward_layer of its own has no kernel");
  }
  if (config.isNull("mergeMode")) {
    throw config.unsupported("merge_mode null, which gives two outputs, has no kernel");
  }
  const mode = config.word("mergeMode", "concat");
  const merge = MERGES.find((one) => one === mode);
  if (merge === undefined) {
    throw config.malformed(
      `expected merge_mode to be one of ${MERGES.join(", ")}, got ${JSON.stringify(mode)}`,
    );
  }
  checkCommon(inner);
  if (!isCell(inner.className)) {
    throw config.unsupported(`${inner.className} inside of it has no kernel`);
  }
  if (inner.boolean("goBackwards", false)) throw inner.unsupported("go_backwards has no kernel");
  if (!inner.boolean("trainable", true)) {
    throw inner.unsupported(
      "trainable false inside of Bidirectional has no kernel, that of the Bidirectional has",
    );
  }
  const { operations: [layer], shape, weights } = recurrent(inner, inputs);
  if (layer?.type !== "recurrent") throw config.unsupported("it has no kernel");
  const width = merge === "concat" ? 2 * layer.units : layer.units;
  return {
    operations: [{ type: "bidirectional", layer, merge }],
    shape: [...shape.slice(0, -1), width],
    weights: ["forward", "backward"].flatMap((direction) =>
      weights.map((weight) => ({ ...weight, name: `${direction}_${inner.name}/${weight.name}` }))
    ),
  };
}

/** Reads the configuration of a layer inside of another. */
function innerConfig(config: Config, key: string): Config {
  const value = config.get(key);
  const className = isRecord(value) ? field(value, "className") : undefined;
  const fields = isRecord(value) ? field(value, "config") : undefined;
  if (typeof className !== "string" || !isRecord(fields)) {
    throw config.malformed(`expected its ${key} to have class_name and config`);
  }
  const name = field(fields, "name");
  return new Config(
    className,
    typeof name === "string" ? name : unnamed(className, config),
    fields,
  );
}

/**
 * Returns a name such as tfjs gives a layer without one, whose number is another one inside of each
 * layer.
 */
function unnamed(className: string, { name }: Config): string {
  const number = Array.from(name, (one) => `${one.codePointAt(0)}`.padStart(7, "0")).join("");
  const snake = className === "SimpleRNN" ? "simple_rnn" : className.toLowerCase();
  return `${snake}_${className}1${number}`;
}

/** Returns true for the same layer in the other direction. */
function isTurned(one: Config, other: Config): boolean {
  const plain = (config: Config) => {
    const keys = config.keys().filter((key) => key !== "name" && key !== "goBackwards").sort();
    return JSON.stringify([config.className, keys.map((key) => [key, config.get(key)])]);
  };
  return plain(one) === plain(other) &&
    one.boolean("goBackwards", false) !== other.boolean("goBackwards", false);
}
