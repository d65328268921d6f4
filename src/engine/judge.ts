import { ByteFeatures } from "../data/byte_features.ts";
import { type Dataset, storedFeatures } from "../data/dataset.ts";
import type { LossName } from "../train/handler.ts";
import { copyBytes, copyFeatures, copyTargets } from "../train/rows.ts";
import type { BatchLoss, JudgeOptions } from "../train/trainer.ts";
import { computeLoss } from "./batch.ts";
import { byteTable } from "./byte_table.ts";
import { labelledSteps } from "./extent.ts";
import type { Layout } from "./layout.ts";

/** Options of {@linkcode judgeRows}: places of the data or of the listed rows. */
interface JudgedRows extends JudgeOptions {
  readonly start: number;
  readonly end: number;
}

/** Computes the loss of rows of the data, in inference mode and with equal weights. */
export function judgeRows(
  layout: Layout,
  loss: LossName,
  data: Dataset,
  { start, end, rows, observe }: JudgedRows,
): BatchLoss {
  const { exports, program, maxRows, input, batchLabels, judged, judgedTable } = layout;
  const { rowLength, outputs } = data, features = storedFeatures(data);
  if (features instanceof ByteFeatures) judgedTable.set(byteTable(features));
  const hasLabels = data.task === "classification";
  const room = hasLabels ? batchLabels : new Float32Array(Math.min(maxRows, end - start) * outputs);
  const result: BatchLoss = { loss: 0, correct: 0, counted: 0 };
  const sum: BatchLoss = { loss: 0, correct: 0, counted: 0 };
  for (let from = start; from < end; from += maxRows) {
    const to = Math.min(from + maxRows, end);
    const listed = rows?.subarray(from, to);
    if (listed) copyTargets(data, listed, room);
    else room.set(data.targets.subarray(from * outputs, to * outputs));
    if (features instanceof ByteFeatures) {
      if (listed) copyBytes(features.bytes, rowLength, listed, judged);
      else judged.set(features.bytes.subarray(from * rowLength, to * rowLength));
    } else if (listed) copyFeatures(data, listed, input);
    else input.set(features.subarray(from * rowLength, to * rowLength));
    const { extent } = program;
    if (extent) {
      const isLabelled = hasLabels && outputs > 1;
      extent.steps = isLabelled ? labelledSteps(room, to - from, outputs) : Infinity;
    }
    forward(layout, to - from, features instanceof ByteFeatures);
    const targets = room.subarray(0, (to - from) * outputs);
    const part = computeLoss(layout, loss, {
      rows: to - from,
      withGradient: false,
      step: hasLabels ? undefined : { targets },
    }, result);
    sum.loss += part.loss;
    sum.correct += part.correct;
    sum.counted += part.counted;
    if (!observe) continue;
    const { at, length } = program.output;
    const output = new Float32Array(exports.memory.buffer, at, (to - from) * length);
    observe(output, targets, part.counted);
  }
  return sum;
}

/** Computes the outputs of rows of the layout's input, or of its bytes. */
function forward(
  { exports, program, input, judged, judgedTable }: Layout,
  rows: number,
  areBytes: boolean,
): void {
  const { onlyDense } = program;
  if (areBytes && onlyDense) {
    const { w, b, y, inputs, outputs, scratch } = onlyDense;
    const { byteOffset: bytes } = judged, { byteOffset: table } = judgedTable;
    if (exports.dense_bytes(bytes, table, w, b, y, rows, inputs, outputs, scratch) === 1) return;
  }
  if (areBytes) {
    const values = rows * program.input.length;
    exports.widen_bytes(judged.byteOffset, judgedTable.byteOffset, values, input.byteOffset);
  }
  program.forward(rows, false);
}
