import type { Pointer } from "../../params/instance.ts";
import { at, type Op, type OpContext } from "./op.ts";

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;
const DOUBLE_BYTES = Float64Array.BYTES_PER_ELEMENT;

/** Memory of a program that clips the gradient of each row. */
export interface ClipMemory {
  /** Place of the squared norm of each row's gradient: float64 values, to which ops add. */
  readonly squares: Pointer;
  /** Place of the factor of each row's gradient. */
  readonly factors: Pointer;
}

/** Passes of an op with parameters for gradients that are clipped row by row. */
export type ClippedOp = Required<Pick<Op, "addSquares" | "addClipped">>;

/** Ways of an op to its gradients. */
export interface ClippedPasses {
  /** Computes the gradient of the inputs, where it is wanted. */
  backward(rows: number): void;
  /** Adds the gradient of the parameters of all rows to that in the op's target. */
  gradient(rows: number): void;
  /** Adds the squared norm of each row's gradient of the parameters; absent to compute each one. */
  squares?(rows: number, squares: Pointer): void;
  /** Writes the gradient of the parameters of one row to a place of its own. */
  gradientOfRow(row: number, to: Pointer): void;
  /** Number of values of the gradient of the parameters. */
  readonly length: number;
}

/**
 * Makes the passes of an op for clipped gradients: norms of the rows first, then the sum of the
 * gradients of rows whose output gradients were scaled (Lee and Kifer 2021, "Scaling up
 * Differentially Private Deep Learning with Fast Per-Example Gradient Clipping"). The second pass
 * needs no gradients of inputs, because those of outputs are still in their places.
 *
 * @returns Nothing where the program does not clip.
 */
export function clippedOp(context: OpContext, passes: ClippedPasses): Partial<ClippedOp> {
  const { clip, exports, output, outputGradient: dy } = context;
  if (clip === undefined) return {};
  const { squares, length } = passes;
  const gradient = squares === undefined ? context.rowGradient(length) : 0;
  return {
    addSquares(rows) {
      passes.backward(rows);
      if (squares !== undefined) return squares(rows, clip.squares);
      for (let row = 0; row < rows; row++) {
        passes.gradientOfRow(row, gradient);
        exports.add_squares(gradient, length, clip.squares + row * DOUBLE_BYTES);
      }
    },
    addClipped(rows) {
      exports.scale_rows(dy, clip.factors, rows, output.length);
      passes.gradient(rows);
    },
  };
}

/** Returns the place of a row of values. */
export function rowAt(start: Pointer, row: number, length: number): Pointer {
  return start === 0 ? 0 : start + row * length * FLOAT_BYTES;
}

/** Returns the number of values of all parameters of an op. */
export function parameterValues({ parameters }: OpContext): number {
  return parameters.reduce((sum, _, i) => sum + at(parameters, i).length, 0);
}
