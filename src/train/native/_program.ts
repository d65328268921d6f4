import type { Pointer } from "../../params/_instance.ts";
import { fuse } from "./_fuse.ts";
import { type Graph, type Node, UnsupportedModelError } from "./_graph.ts";
import type { EngineExports } from "./_kernels.ts";
import { at, type Op, type OpContext, type Place, type Target } from "./_op.ts";
import { addOp, denseOp, leakyReluOp } from "./_ops.ts";
import { sizeOf } from "./_shapes.ts";
import { convOp, poolOp, wholeImage } from "./_window_ops.ts";

/** A graph's layers at work on one batch, in places that were fixed when it was made. */
export interface Program {
  /** Where the batch's rows go in. */
  readonly input: Place;
  /** Where the output's rows come out, and where their gradient goes in. */
  readonly output: Place;
  readonly outputGradient: Pointer;
  forward(rows: number): void;
  backward(rows: number): void;
}

/** What a program is laid out in. */
export interface Room {
  readonly exports: EngineExports;
  readonly target: Target;
  /** Place of each tensor of the manifest. */
  readonly parameters: readonly Place[];
  /** Gives place for so many values. */
  alloc(values: number): Pointer;
  /** Gives place to these whole numbers. */
  constants(values: readonly number[]): Pointer;
}

/** Lays a graph out for batches of at most so many rows. Throws an `UnsupportedModelError` for a layer without kernels. */
export function compile(graph: Graph, maxRows: number, room: Room): Program {
  const { nodes } = fuse(graph);
  const consumers = nodes.map((_, i) => nodes.filter(({ inputs }) => inputs.includes(i)));
  const sizes = nodes.map(({ shape }) => sizeOf(shape));
  const scratches: number[] = [];
  const values: Pointer[] = [], gradients: Pointer[] = [];
  const isAlias = nodes.map((node) => runsInPlace(node, nodes, consumers));

  nodes.forEach(({ inputs }, i) => {
    const source = inputs[0] ?? 0;
    const batch = () => room.alloc(maxRows * at(sizes, i));
    values[i] = isAlias[i] ? at(values, source) : batch();
    // The input needs no gradient, and neither does what only hands it on.
    gradients[i] = i === 0 ? 0 : isAlias[i] ? at(gradients, source) : batch();
  });
  // One piece serves all ops, as long as the largest needs; it is placed when all have said.
  let scratch: Pointer = 0;
  const written = new Set<Pointer>();
  const contexts = nodes.map((node, i): OpContext => ({
    exports: room.exports,
    target: room.target,
    maxRows,
    inputs: node.inputs.map((input) => ({ at: at(values, input), length: at(sizes, input) })),
    inputGradients: node.inputs.map((input) => at(gradients, input)),
    output: { at: at(values, i), length: at(sizes, i) },
    outputGradient: at(gradients, i),
    parameters: node.parameters.map(({ tensor }) => at(room.parameters, tensor)),
    places: node.layer.type === "conv2d" && node.layer.pool
      ? room.alloc(maxRows * at(sizes, i))
      : 0,
    constants: room.constants,
    scratch: (values) => {
      scratches.push(values);
      return scratch;
    },
  }));
  // Said once to measure, once more to make.
  nodes.forEach((node, i) => makeOp(node, nodes, at(contexts, i), false));
  scratch = room.alloc(Math.max(0, ...scratches));
  const spare = consumers.some((list) => list.length > 1)
    ? room.alloc(maxRows * Math.max(...sizes))
    : 0;

  const last = nodes.length - 1;
  const backwards: Op["backward"][] = [];
  const forwards: Op["forward"][] = [];
  // Rectifiers that the dense layer before them does on the way.
  const isDone = nodes.map((node, i) => isAlias[i] && isRelu(node) && isDense(nodes, node));
  const ops = new Map<number, Op>();
  if (gradients[last]) written.add(gradients[last]);
  for (let i = last; i > 0; i--) {
    const node = at(nodes, i), context = at(contexts, i);
    const sums: (readonly [to: Pointer, length: number])[] = [];
    const inputGradients = node.inputs.map((input, k) => {
      const own = at(context.inputGradients, k);
      if (own === 0 || own === context.outputGradient || !written.has(own)) {
        written.add(own);
        return own;
      }
      sums.push([own, at(sizes, input)]);
      return spare;
    });
    if (sums.length > 1) {
      throw new UnsupportedModelError(
        `Cannot run layer ${node.name}: two of its inputs feed other layers too`,
      );
    }
    const fused = isDone[i] || nodes.some(({ inputs }, j) => isDone[j] && inputs[0] === i);
    const op = makeOp(node, nodes, { ...context, inputGradients }, fused === true);
    if (op === undefined) continue;
    ops.set(i, op);
    backwards.push(op.backward);
    const [sum] = sums;
    if (sum) {
      const [to, length] = sum;
      backwards.push((rows) => room.exports.add(to, spare, to, rows * length));
    }
  }
  for (let i = 1; i <= last; i++) {
    const op = ops.get(i);
    if (op) forwards.push(op.forward);
  }
  return {
    input: { at: at(values, 0), length: at(sizes, 0) },
    output: { at: at(values, last), length: at(sizes, last) },
    outputGradient: at(gradients, last),
    forward(rows) {
      for (let i = 0; i < forwards.length; i++) forwards[i]?.(rows);
    },
    backward(rows) {
      for (let i = 0; i < backwards.length; i++) backwards[i]?.(rows);
    },
  };
}

function isRelu({ layer }: Node): boolean {
  return layer.type === "activation" && layer.name === "relu";
}

function isDense(nodes: readonly Node[], { inputs }: Node): boolean {
  return nodes[inputs[0] ?? 0]?.layer.type === "dense";
}

/** Whether a node's output may take the place of its input: nobody else reads that, nor does the layer that wrote it. */
function runsInPlace(
  { layer, inputs }: Node,
  nodes: readonly Node[],
  consumers: readonly (readonly Node[])[],
): boolean {
  const source = inputs[0] ?? 0;
  if (layer.type === "reshape") return true;
  if (layer.type !== "activation" || (layer.name !== "relu" && layer.name !== "leakyRelu")) {
    return false;
  }
  const before = nodes[source]?.layer.type;
  return consumers[source]?.length === 1 &&
    (before === "dense" || before === "conv2d" || before === "add");
}

/** The op of a node; `undefined` where there is nothing to do. `fused`: a rectifier joins the layer before it. */
function makeOp(
  { layer, name, inputs }: Node,
  nodes: readonly Node[],
  context: OpContext,
  fused: boolean,
): Op | undefined {
  const image = nodes[inputs[0] ?? 0]?.shape ?? [];
  switch (layer.type) {
    case "input":
    case "reshape":
      return undefined;
    case "dense":
      return denseOp(context, layer.useBias, fused);
    case "add":
      return addOp(context);
    case "conv2d":
      return convOp(context, layer, image);
    case "maxPool2d":
    case "averagePool2d":
      return poolOp(context, layer.type === "maxPool2d", layer.window, image);
    case "globalAveragePool": {
      const channels = context.output.length;
      const pixels = at(context.inputs, 0).length / channels;
      return poolOp(context, false, wholeImage(pixels), [1, pixels, channels]);
    }
    case "activation":
      if (layer.name === "relu" || layer.name === "leakyRelu") {
        return leakyReluOp(context, layer.alpha, fused);
      }
      break;
  }
  const what = layer.type === "activation" ? `activation ${layer.name}` : layer.type;
  throw new UnsupportedModelError(
    `Cannot run layer ${name}: the native engine has no kernels for ${what}`,
  );
}
