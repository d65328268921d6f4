import type { LossName } from "../train/handler.ts";
import type { BatchLoss } from "../train/trainer.ts";
import { type Batch, runForward } from "./batch.ts";
import type { Layout } from "./layout.ts";

/**
 * Adds the gradient of each row of the order to the layout's gradient, scaled down to an L2 norm of
 * at most `clip` (Abadi et al. 2016, "Deep Learning with Differential Privacy", algorithm 1).
 *
 * No gradient of a single row is kept: the norms of all rows are computed first, then one sum of
 * the scaled gradients.
 *
 * @param total Has the losses added; it is `NaN` if the gradient of a row is not finite, and then
 * no gradient is added.
 */
export function addClippedRows(
  layout: Layout,
  loss: LossName,
  { clip, ...batch }: Batch & { readonly clip: number },
  total: BatchLoss,
): void {
  const { program, squares, factors, scale } = layout, { rows } = batch;
  const result: BatchLoss = { loss: 0, correct: 0, counted: 0 };
  // The kernels divide by the number of rows: so each row has the gradient of its own loss.
  scale[0] = rows;
  runForward(layout, loss, batch, result);
  total.loss += result.loss;
  total.correct += result.correct;
  total.counted += result.counted;
  if (!Number.isFinite(result.loss)) return;
  squares.fill(0, 0, rows);
  program.addSquares(rows);
  for (let row = 0; row < rows; row++) {
    const norm = Math.sqrt(squares[row] ?? NaN);
    if (!Number.isFinite(norm)) {
      total.loss = NaN;
      return;
    }
    factors[row] = factorOf(norm, clip);
  }
  program.addClipped(rows);
}

/** Returns the factor that scales a vector down to a norm; rounding does not make it larger. */
function factorOf(norm: number, clip: number): number {
  if (norm <= clip) return 1;
  const factor = Math.fround(clip / norm);
  return factor * norm > clip ? factor * (1 - 2 ** -23) : factor;
}
