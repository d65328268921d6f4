import { isRecord } from "../../base/json.ts";
import { Random } from "../../base/random.ts";
import type { ModelDescription } from "../handler.ts";
import { toCamelCase } from "./keras_config.ts";

type Config = Record<string, unknown>;

const RANDOM_INITIALIZERS: ReadonlySet<string> = new Set([
  "GlorotNormal",
  "GlorotUniform",
  "HeNormal",
  "HeUniform",
  "LeCunNormal",
  "LeCunUniform",
  "Orthogonal",
  "RandomNormal",
  "RandomUniform",
  "TruncatedNormal",
  "VarianceScaling",
]);

const KERNEL = { kernel_initializer: "GlorotNormal" };
const SEPARABLE = {
  depthwise_initializer: "GlorotUniform",
  pointwise_initializer: "GlorotUniform",
};
const RECURRENT = { kernel_initializer: "GlorotNormal", recurrent_initializer: "Orthogonal" };

/** Initializers of tfjs 4.22 for weights that a layer's configuration leaves to their default. */
const DEFAULT_INITIALIZERS: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map(
  Object.entries<Readonly<Record<string, string>>>({
    Dense: KERNEL,
    Conv1D: KERNEL,
    Conv2D: KERNEL,
    Conv2DTranspose: KERNEL,
    Conv3D: KERNEL,
    Conv3DTranspose: KERNEL,
    DepthwiseConv2D: { depthwise_initializer: "GlorotNormal" },
    SeparableConv2D: SEPARABLE,
    Embedding: { embeddings_initializer: "RandomUniform" },
    SimpleRNN: RECURRENT,
    SimpleRNNCell: RECURRENT,
    GRU: RECURRENT,
    GRUCell: RECURRENT,
    LSTM: RECURRENT,
    LSTMCell: RECURRENT,
    ConvLSTM2D: RECURRENT,
    ConvLSTM2DCell: RECURRENT,
  }),
);

/** Converts an identifier, such as `glorot_uniform` or `glorotUniform`, to the name of a class. */
function toClassName(identifier: string): string {
  const name = identifier.replaceAll(
    /(?:^|_)([a-z])/g,
    (_, letter: string) => letter.toUpperCase(),
  );
  return name.startsWith("Lecun") ? `LeCun${name.slice(5)}` : name;
}

/**
 * Copies a model description and seeds every initializer that draws at random, so that the model
 * has the same initial weights wherever it is built.
 *
 * Each seed depends on `seed` and on the initializer's place among the random ones. Explicit seeds
 * stay, except 0, which tfjs takes for none. Initializers that the built-in layers leave to their
 * default are written out; custom layers and custom initializers are not reached.
 *
 * @param description The model.
 * @param seed An integer from 0 to 2^32 - 1.
 * @returns The copy.
 * @throws {RangeError} If the seed is out of range.
 */
export function seedInitializers(description: ModelDescription, seed: number): ModelDescription {
  let index = 0;
  const nextSeed = () => new Random(seed, "initial-weights", { rank: index++ }).uint32() || 1;

  function seeded(className: string, config: unknown): Config {
    const own = nextSeed();
    const rest = isRecord(config) ? config : {};
    return { class_name: className, config: { ...rest, seed: rest.seed || own } };
  }

  function layer(className: string, config: Config): Config {
    const filled: Config = { ...config };
    for (const [key, initializer] of Object.entries(DEFAULT_INITIALIZERS.get(className) ?? {})) {
      if (filled[key] == null && filled[toCamelCase(key)] == null) filled[key] = initializer;
    }
    return filled;
  }

  function copy(value: unknown, key = ""): unknown {
    if (Array.isArray(value)) return value.map((item) => copy(item));
    if (typeof value === "string" && /_initializer$|Initializer$/.test(key)) {
      const className = toClassName(value);
      return RANDOM_INITIALIZERS.has(className) ? seeded(className, {}) : value;
    }
    if (!isRecord(value)) return value;
    const className = value.class_name ?? value.className;
    if (typeof className === "string") {
      if (RANDOM_INITIALIZERS.has(className)) return seeded(className, value.config);
      if (isRecord(value.config)) value = { ...value, config: layer(className, value.config) };
    }
    return Object.fromEntries(
      Object.entries(value as Config).map(([name, item]) => [name, copy(item, name)]),
    );
  }

  // Checks the seed even if no initializer is random.
  new Random(seed, "initial-weights");
  return { ...description, topology: copy(description.topology) as Config };
}
