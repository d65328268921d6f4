import { bytesOf } from "../../../base/bytes.ts";
import {
  type Attributes,
  attributesOf,
  DATA_TYPE,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./proto.ts";

/** Nodes and constants of an ONNX graph while it is built. */
export class GraphBuilder {
  /** Nodes in the order in which they are computed. */
  readonly nodes: NodeProto[] = [];
  /** Constants. */
  readonly constants: TensorProto[] = [];
  readonly #names = new Map<string, number>();

  /** Reserves the name of the graph's input. */
  constructor(input: string) {
    this.#unique(input);
  }

  /**
   * Adds a node with one output.
   *
   * @param layer Name of the layer that it comes from.
   * @param output Name of the output. Default: one that is made from the layer.
   * @returns The name of the output.
   */
  add(
    opType: string,
    layer: string,
    input: readonly string[],
    attributes: Attributes = {},
    output?: string,
  ): string {
    const name = output ?? this.#unique(`${layer}/${opType}`);
    this.nodes.push({ name, opType, input, output: [name], attribute: attributesOf(attributes) });
    return name;
  }

  /** Adds a constant of 32-bit floats, and returns its name. */
  floats(name: string, dims: readonly number[], values: Iterable<number>): string {
    const data = Float32Array.from(values);
    return this.#constant(name, dims, DATA_TYPE.float, bytesOf(data));
  }

  /** Adds a list of whole numbers, and returns its name. */
  integers(name: string, values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.#constant(name, [values.length], DATA_TYPE.int64, bytesOf(data));
  }

  #constant(
    wanted: string,
    dims: readonly number[],
    dataType: number,
    rawData: Uint8Array,
  ): string {
    const name = this.#unique(wanted);
    this.constants.push({ name, dims, dataType, rawData });
    return name;
  }

  #unique(wanted: string): string {
    const count = this.#names.get(wanted) ?? 0;
    this.#names.set(wanted, count + 1);
    return count === 0 ? wanted : this.#unique(`${wanted}_${count}`);
  }
}

/** Describes an input or output of 32-bit floats with any number of rows. */
export function valueInfo(name: string, shape: readonly number[]): ValueInfoProto {
  const dim = [{ dimParam: "rows" }, ...shape.map((dimValue) => ({ dimValue }))];
  return { name, type: { tensorType: { elemType: DATA_TYPE.float, shape: { dim } } } };
}
