/**
 * Messages of ONNX files, as far as they are written here: a part of onnx.proto of ONNX 1.8
 * (https://github.com/onnx/onnx/blob/v1.8.0/onnx/onnx.proto), with its names and numbers.
 *
 * @module
 */

import { BinaryWriter, WireType } from "../../deps.ts";

/** Type of the values of a tensor. */
export const DATA_TYPE = { float: 1, int64: 7, string: 8 } as const;

/** Type of the value of an attribute. */
const ATTRIBUTE_TYPE = { f: 1, i: 2, s: 3, floats: 6, ints: 7, strings: 8 } as const;

/** Attributes of a node: whole numbers and lists of them, or fractions in `{ f }`. */
export type Attributes = Readonly<Record<string, number | readonly number[] | { f: number }>>;

/** Step of a graph. */
export interface NodeProto {
  readonly name: string;
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly AttributeProto[];
}

/** Attribute of a node. */
export interface AttributeProto {
  readonly name: string;
  readonly type: number;
  readonly f?: number;
  readonly i?: number;
  readonly ints?: readonly number[];
}

/** Constant of a graph. */
export interface TensorProto {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  readonly rawData: Uint8Array;
}

/** Input or output of a graph. */
export interface ValueInfoProto {
  readonly name: string;
  readonly type: {
    readonly tensorType: {
      readonly elemType: number;
      readonly shape: {
        readonly dim: readonly { readonly dimValue?: number; readonly dimParam?: string }[];
      };
    };
  };
}

/** Model with its metadata. */
export interface ModelProto {
  readonly irVersion: number;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly graph: {
    readonly name: string;
    readonly node: readonly NodeProto[];
    readonly initializer: readonly TensorProto[];
    readonly input: readonly ValueInfoProto[];
    readonly output: readonly ValueInfoProto[];
  };
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[];
  readonly metadataProps: readonly { readonly key: string; readonly value: string }[];
}

/** Number of a field and its type: a scalar, or the fields of a message. */
type Field = readonly [number: number, type: "int" | "float" | "string" | "bytes" | Fields];
interface Fields {
  readonly [name: string]: Field;
}

const DIMENSION: Fields = { dimValue: [1, "int"], dimParam: [2, "string"] };
const TENSOR_TYPE: Fields = { elemType: [1, "int"], shape: [2, { dim: [1, DIMENSION] }] };
const VALUE_INFO: Fields = { name: [1, "string"], type: [2, { tensorType: [1, TENSOR_TYPE] }] };
const ATTRIBUTE: Fields = {
  name: [1, "string"],
  f: [2, "float"],
  i: [3, "int"],
  ints: [8, "int"],
  type: [20, "int"],
};
const NODE: Fields = {
  input: [1, "string"],
  output: [2, "string"],
  name: [3, "string"],
  opType: [4, "string"],
  attribute: [5, ATTRIBUTE],
};
const TENSOR: Fields = {
  dims: [1, "int"],
  dataType: [2, "int"],
  name: [8, "string"],
  rawData: [9, "bytes"],
};
const GRAPH: Fields = {
  node: [1, NODE],
  name: [2, "string"],
  initializer: [5, TENSOR],
  input: [11, VALUE_INFO],
  output: [12, VALUE_INFO],
};
const MODEL: Fields = {
  irVersion: [1, "int"],
  producerName: [2, "string"],
  producerVersion: [3, "string"],
  graph: [7, GRAPH],
  opsetImport: [8, { domain: [1, "string"], version: [2, "int"] }],
  metadataProps: [14, { key: [1, "string"], value: [2, "string"] }],
};

/** Encodes a model. */
export function encodeModel(model: ModelProto): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  write(writer, MODEL, model);
  return new Uint8Array(writer.finish());
}

/** Writes the fields of a message that are present; a list is written value by value. */
function write(writer: BinaryWriter, fields: Fields, message: object): void {
  const values = message as Readonly<Record<string, unknown>>;
  for (const [name, [number, type]] of Object.entries(fields)) {
    const value = values[name];
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof type === "object") {
        writer.tag(number, WireType.LengthDelimited).fork();
        write(writer, type, one);
        writer.join();
      } else if (type === "int") writer.tag(number, WireType.Varint).int64(one);
      else if (type === "float") writer.tag(number, WireType.Bit32).float(one);
      else if (type === "string") writer.tag(number, WireType.LengthDelimited).string(one);
      else writer.tag(number, WireType.LengthDelimited).bytes(one);
    }
  }
}

/** Makes the attributes of a node. */
export function attributesOf(attributes: Attributes): AttributeProto[] {
  return Object.entries(attributes).map(([name, value]) => {
    if (typeof value === "number") return { name, type: ATTRIBUTE_TYPE.i, i: value };
    if ("f" in value) return { name, type: ATTRIBUTE_TYPE.f, f: value.f };
    return { name, type: ATTRIBUTE_TYPE.ints, ints: value };
  });
}
