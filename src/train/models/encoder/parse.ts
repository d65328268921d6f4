import { isInRange, type Range } from "../../../base/check.ts";
import { didYouMean } from "../../../base/did_you_mean.ts";
import { isRecord } from "../../../base/json.ts";
import {
  ADAPTER_TARGETS,
  type Adapters,
  type BaseReference,
  type EncoderModel,
  type EncoderShape,
} from "./encoder_model.ts";

/** Largest sizes of an encoder: those of BERT's largest, with room. */
const MOST = {
  vocabulary: 2 ** 20,
  positions: 8192,
  width: 4096,
  layers: 96,
  inner: 16_384,
  rank: 256,
  units: 2 ** 16,
  bytes: 2 ** 32,
  mirrors: 16,
};
const DIGEST = /^[0-9a-f]{64}$/;

/** Object of a description, whose fields are read one by one. */
class Fields {
  readonly #value: Record<string, unknown>;
  readonly #path: string;
  readonly #known = new Set<string>();

  constructor(value: unknown, path: string) {
    if (!isRecord(value)) throw wrong(path, "an object", value);
    this.#value = value;
    this.#path = path;
  }

  /** Returns the value of a field, and its name for messages. */
  get(name: string): readonly [value: unknown, path: string] {
    this.#known.add(name);
    return [this.#value[name], this.#path === "" ? name : `${this.#path}.${name}`];
  }

  has(name: string): boolean {
    this.#known.add(name);
    return this.#value[name] !== undefined;
  }

  object(name: string): Fields {
    return new Fields(...this.get(name));
  }

  whole(name: string, most: number, least = 1): number {
    return this.number(
      name,
      { whole: true, least, most },
      `a whole number from ${least} to ${most}`,
    );
  }

  number(name: string, range: Range, expected: string): number {
    const [value, path] = this.get(name);
    if (isInRange(value, range)) return value;
    throw wrong(path, expected, value);
  }

  choice<T extends string>(name: string, choices: readonly T[]): T {
    return choose(...this.get(name), choices);
  }

  list(name: string): readonly (readonly [value: unknown, path: string])[] {
    const [value, path] = this.get(name);
    if (!Array.isArray(value)) throw wrong(path, "a list", value);
    return value.map((item: unknown, i) => [item, `${path}[${i}]`]);
  }

  /** Refuses fields that nobody has read. */
  end(): void {
    const known = [...this.#known];
    const other = Object.keys(this.#value).find((name) => !known.includes(name));
    if (other === undefined) return;
    const path = this.#path === "" ? "the topology" : this.#path;
    throw new TypeError(
      `Cannot read the model description: ${path} has no field ${JSON.stringify(other)}${
        didYouMean(other, known)
      }`,
    );
  }
}

function wrong(path: string, expected: string, got: unknown): TypeError {
  const shown = typeof got === "object" && got !== null
    ? Array.isArray(got) ? "a list" : "an object"
    : typeof got === "string"
    ? JSON.stringify(got.slice(0, 80))
    : `${got}`;
  return new TypeError(
    `Cannot read the model description: expected ${
      path || "the topology"
    } to be ${expected}, got ${shown}`,
  );
}

function choose<T extends string>(value: unknown, path: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  const expected = choices.length === 1 ? `"${choices[0]}"` : `one of ${choices.join(", ")}`;
  throw wrong(path, expected, value);
}

/** Refuses a list that is empty or has a value twice, and sorts it. */
function distinct<T>(values: readonly T[], path: string, order: (value: T) => number): T[] {
  if (values.length === 0) throw wrong(path, "a list of at least one value", values);
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) throw wrong(path, "a list without repetitions", `${twice} twice`);
  return [...values].sort((a, b) => order(a) - order(b));
}

/**
 * Reads the topology of a description of the format `text-encoder`, from a foreign source such as
 * a peer. Lists of targets and layers are sorted.
 *
 * @throws {TypeError} If a field is malformed, out of range or unknown; the message names it.
 */
export function parseEncoderModel(topology: unknown): EncoderModel {
  const fields = new Fields(topology, "");
  const base = parseBase(fields.object("base"));
  const encoder = parseShape(fields.object("encoder"));
  const model = {
    base,
    encoder,
    maxTokens: fields.whole("maxTokens", encoder.positions),
    pooling: fields.choice("pooling", ["mean", "cls"]),
    units: fields.whole("units", MOST.units),
    ...fields.has("adapters") &&
      { adapters: parseAdapters(fields.object("adapters"), encoder) },
    ...fields.has("tokenizer") && { tokenizer: digestOf(...fields.get("tokenizer")) },
    ...fields.has("features") && { features: fields.choice("features", ["float32", "float16"]) },
  };
  fields.end();
  return model;
}

function digestOf(value: unknown, path: string): string {
  if (typeof value === "string" && DIGEST.test(value)) return value;
  throw wrong(path, "64 lower-case hexadecimal digits", value);
}

function parseBase(fields: Fields): BaseReference {
  const base = {
    sha256: digestOf(...fields.get("sha256")),
    bytes: fields.whole("bytes", MOST.bytes),
    format: fields.choice("format", ["safetensors"]),
    ...fields.has("mirrors") && {
      mirrors: fields.list("mirrors").slice(0, MOST.mirrors).map(([address, path]) => {
        if (typeof address === "string" && URL.canParse(address)) return address;
        throw wrong(path, "an address", address);
      }),
    },
  };
  fields.end();
  return base;
}

function parseShape(fields: Fields): EncoderShape {
  const shape = {
    architecture: fields.choice("architecture", ["bert"]),
    vocabulary: fields.whole("vocabulary", MOST.vocabulary),
    positions: fields.whole("positions", MOST.positions),
    width: fields.whole("width", MOST.width),
    layers: fields.whole("layers", MOST.layers),
    heads: fields.whole("heads", MOST.width),
    inner: fields.whole("inner", MOST.inner),
    epsilon: fields.number("epsilon", { above: 0, most: 1 }, "a number above 0 and at most 1"),
    activation: fields.choice("activation", ["gelu", "geluNew"]),
  };
  if (shape.width % shape.heads !== 0) {
    throw wrong(fields.get("heads")[1], `a divisor of the width ${shape.width}`, shape.heads);
  }
  fields.end();
  return shape;
}

function parseAdapters(fields: Fields, { layers: count }: EncoderShape): Adapters {
  const targets = fields.list("targets").map(([target, path]) =>
    choose(target, path, ADAPTER_TARGETS)
  );
  const layers = fields.list("layers").map(([layer, path]) => {
    if (isInRange(layer, { whole: true, least: 0, below: count })) return layer;
    throw wrong(path, `a layer from 0 to ${count - 1}`, layer);
  });
  const adapters = {
    rank: fields.whole("rank", MOST.rank),
    alpha: fields.number("alpha", { above: 0, most: 65_536 }, "a number above 0 and at most 65536"),
    targets: distinct(targets, fields.get("targets")[1], (name) => ADAPTER_TARGETS.indexOf(name)),
    layers: distinct(layers, fields.get("layers")[1], (layer) => layer),
    train: fields.choice("train", ["AB", "B", "alternate"]),
  };
  fields.end();
  return adapters;
}
