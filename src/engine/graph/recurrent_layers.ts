import type { Config } from "./config.ts";
import type { RecurrentLayer, Shape } from "./graph.ts";
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
