import type { Pointer } from "../params/instance.ts";
import { type Extent, isCausal } from "./extent.ts";
import { fuse } from "./fuse.ts";
import {
  type ActivationName,
  type Graph,
  type Layer,
  type Node,
  UnsupportedModelError,
} from "./graph/graph.ts";
import { sizeOf } from "./graph/shapes.ts";
import type { EngineExports } from "./kernels.ts";
import type { ClipMemory } from "./ops/clip.ts";
import { makeOp } from "./ops/make_op.ts";
import { at, type DensePlaces, type Op, type OpContext } from "./ops/op.ts";
import type { Place, Target } from "./ops/op.ts";

/** Ops of a graph for one batch, in places that were fixed when it was made. */
export interface Program {
  /** Place of the input rows of a batch. */
  readonly input: Place;
  /** Place of the output rows. */
  readonly output: Place;
  /** The dense layer that is the whole model; `undefined` for other models. */
  readonly onlyDense: DensePlaces | undefined;
  /** Places of the states that the next pass begins from; none where each begins from zeros. */
  readonly states: readonly Place[];
  /** Steps that recurrent layers compute of a batch; `undefined` where they compute all. */
  readonly extent: Extent | undefined;
  /** Place of the gradient of the output rows. */
  readonly outputGradient: Pointer;
  /** Computes the output, in training or inference mode. */
  forward(rows: number, training: boolean): void;
  /** Computes the gradients of the parameters from that of the output. */
  backward(rows: number): void;
  /** Adds the squared norms of the rows' gradients, from that of the output, to the clip memory. */
  addSquares(rows: number): void;
  /** Adds the rows' gradients, times their factors in the clip memory, to those in the target. */
  addClipped(rows: number): void;
}

/** Memory and places of a program. */
export interface ProgramMemory {
  readonly exports: EngineExports;
  readonly target: Target;
  /** Place of each tensor of the manifest. */
  readonly parameters: readonly Place[];
  /** Place of the random stream of dropout. */
  readonly stream: Pointer;
  /** Memory to clip the gradient of each row; `undefined` where that is not wanted. */
  readonly clip: ClipMemory | undefined;
  /** True if recurrent layers go on from the states of the pass before. */
  readonly carries: boolean;
  /** Allocates memory for `values` values. */
  alloc(values: number): Pointer;
  /** Places integers in memory. */
  constants(values: readonly number[]): Pointer;
}

/** Places the ops of a graph, for batches of at most `maxRows` rows. */
export function compile(graph: Graph, maxRows: number, memory: ProgramMemory): Program {
  const { nodes, manifest: { tensors } } = fuse(graph);
  const consumers = nodes.map((_, i) => nodes.filter(({ inputs }) => inputs.includes(i)));
  const sizes = nodes.map(({ shape }) => sizeOf(shape));
  const scratches: number[] = [], rowGradients: number[] = [];
  const learns: boolean[] = [];
  const values: Pointer[] = [], gradients: Pointer[] = [];
  const isAlias = nodes.map((node) => runsInPlace(node, nodes, consumers));

  nodes.forEach(({ inputs }, i) => {
    const source = inputs[0] ?? 0;
    const batch = () => memory.alloc(maxRows * at(sizes, i));
    values[i] = isAlias[i] ? at(values, source) : batch();
    // Nodes before all weights need no gradient.
    learns[i] = at(nodes, i).parameters.length > 0 || inputs.some((input) => learns[input]);
    gradients[i] = !learns[i] ? 0 : isAlias[i] ? at(gradients, source) : batch();
  });
  // All ops share one piece of memory, as large as the largest they ask for.
  let scratch: Pointer = 0, rowGradient: Pointer = 0;
  const owned: Pointer[] = [];
  const written = new Set<Pointer>();
  const extent = !memory.carries && isCausal(graph) ? { steps: Infinity } : undefined;
  const contexts = nodes.map((node, i): OpContext => ({
    exports: memory.exports,
    target: memory.target,
    maxRows,
    inputs: node.inputs.map((input) => ({ at: at(values, input), length: at(sizes, input) })),
    inputGradients: node.inputs.map((input) => at(gradients, input)),
    output: { at: at(values, i), length: at(sizes, i) },
    shape: node.shape,
    outputGradient: at(gradients, i),
    parameters: node.parameters.map(({ tensor }) => at(memory.parameters, tensor)),
    stream: memory.stream,
    clip: memory.clip,
    states: memory.carries ? [] : undefined,
    extent,
    constants: memory.constants,
    own: (values) => owned[i] ??= memory.alloc(values),
    scratch: (...values) => {
      scratches.push(...values);
      return scratch;
    },
    rowGradient: (values) => {
      rowGradients.push(values);
      return rowGradient;
    },
  }));
  // Ops are created once to measure, and once more to run.
  nodes.forEach((node, i) => makeOp(node, nodes, at(contexts, i), false));
  scratch = memory.alloc(Math.max(0, ...scratches));
  if (memory.clip) rowGradient = memory.alloc(Math.max(0, ...rowGradients));
  // Places of gradients that are then added to another one of the same value.
  const spares: Pointer[] = [];

  const last = nodes.length - 1;
  const states: Place[] = [];
  const backwards: Op["backward"][] = [];
  const squares: Op["backward"][] = [], clipped: Op["backward"][] = [];
  const forwards: Op["forward"][] = [];
  // Rectifiers that are part of the dense layer before them.
  const isDone = nodes.map((node, i) => isAlias[i] && isRelu(node) && isDense(nodes, node));
  const ops = new Map<number, Op>();
  if (gradients[last]) written.add(gradients[last]);
  for (let i = last; i > 0; i--) {
    const node = at(nodes, i), context = at(contexts, i);
    const sums: (readonly [to: Pointer, spare: Pointer, length: number])[] = [];
    const inputGradients = node.inputs.map((input, k) => {
      const own = at(context.inputGradients, k);
      if (own === 0 || own === context.outputGradient || !written.has(own)) {
        written.add(own);
        return own;
      }
      const spare = spares[sums.length] ??= memory.alloc(maxRows * Math.max(...sizes));
      sums.push([own, spare, at(sizes, input)]);
      return spare;
    });
    const fused = isDone[i] || nodes.some(({ inputs }, j) => isDone[j] && inputs[0] === i);
    const op = makeOp(
      node,
      nodes,
      { ...context, inputGradients, states: context.states && states },
      fused === true,
    );
    if (op === undefined) continue;
    ops.set(i, op);
    if (learns[i]) {
      backwards.push(op.backward);
      const isTrained = node.parameters.some(({ tensor }) => tensors[tensor]?.trainable);
      if (memory.clip && isTrained && !op.addSquares) {
        throw new UnsupportedModelError(
          `Cannot clip the gradient of each row: expected layers that know it, got ${node.name}`,
        );
      }
      squares.push(isTrained && op.addSquares ? op.addSquares : op.backward);
      if (isTrained && op.addClipped) clipped.push(op.addClipped);
    }
    for (const [to, spare, length] of sums) {
      const add = (rows: number) => memory.exports.add(to, spare, to, rows * length);
      backwards.push(add);
      squares.push(add);
    }
  }
  for (let i = 1; i <= last; i++) {
    const op = ops.get(i);
    if (op) forwards.push(op.forward);
  }
  return {
    input: { at: at(values, 0), length: at(sizes, 0) },
    output: { at: at(values, last), length: at(sizes, last) },
    states,
    extent,
    outputGradient: at(gradients, last),
    onlyDense: ops.size === 1 ? [...ops.values()][0]?.dense : undefined,
    forward(rows, training) {
      for (let i = 0; i < forwards.length; i++) forwards[i]?.(rows, training);
    },
    backward(rows) {
      for (let i = 0; i < backwards.length; i++) backwards[i]?.(rows);
    },
    addSquares(rows) {
      for (const pass of squares) pass(rows);
    },
    addClipped(rows) {
      for (const pass of clipped) pass(rows);
    },
  };
}

function isRelu({ layer }: Node): boolean {
  return layer.type === "activation" && layer.name === "relu";
}

function isDense(nodes: readonly Node[], { inputs }: Node): boolean {
  return nodes[inputs[0] ?? 0]?.layer.type === "dense";
}

/** Returns true if a layer leaves the values as they are. */
function isIdle(layer: Layer): boolean {
  return layer.type === "reshape" || (layer.type === "dropout" && layer.rate === 0);
}

/** Layers whose backward pass does not read their output. */
const FORGETFUL: ReadonlySet<Layer["type"]> = new Set<Layer["type"]>([
  ...["dense", "conv2d", "depthwiseConv2d", "batchNorm", "embedding", "add", "recurrent"] as const,
  "bidirectional",
]);

/** Activations whose backward pass reads their input. */
const READS_INPUT: ReadonlySet<ActivationName> = new Set<ActivationName>(["gelu", "geluNew"]);

/**
 * Returns true if a node's output may take the place of its input: nothing else reads the input,
 * and the layer that wrote it does not need it again.
 */
function runsInPlace(
  { layer, inputs }: Node,
  nodes: readonly Node[],
  consumers: readonly (readonly Node[])[],
): boolean {
  const source = inputs[0] ?? 0;
  if (isIdle(layer)) return true;
  if (layer.type !== "activation" || READS_INPUT.has(layer.name)) return false;
  const before = nodes[source]?.layer.type;
  return consumers[source]?.length === 1 && before !== undefined && FORGETFUL.has(before);
}
