import { counted, percent } from "../../display/amounts.ts";
import { headedTables } from "../../display/headed_tables.ts";
import type { MediaBundle } from "../../display/media.ts";
import type { RichCell, TableContent } from "../../display/table.ts";

/** Largest number of classes of a matrix that is shown. */
const CLASSES = 50;

/** Confusion matrix with names. */
export interface Confusion {
  /** Number of samples of each true class (row) that were classified as each class (column). */
  readonly matrix: readonly (readonly number[])[];
  /** Names of the classes. Default: their numbers. */
  readonly classes?: readonly string[] | undefined;
}

/** Shows a confusion matrix; a cell is the darker the larger its share of the row is. */
export function confusionMedia(confusion: Confusion): MediaBundle {
  return headedTables(confusionHeading(confusion), [confusionTable(confusion)]);
}

function confusionHeading({ matrix }: Confusion): string {
  const total = matrix.flat().reduce((sum, count) => sum + count, 0);
  const right = matrix.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
  return `Confusion matrix of ${counted(total, "sample")}: ${counted(right, "answer")} right, ${
    percent(total === 0 ? 0 : right / total)
  }`;
}

/** Makes the table of a confusion matrix, with true classes in rows. */
export function confusionTable({ matrix, classes = [] }: Confusion): TableContent {
  const shown = matrix.slice(0, CLASSES), left = matrix.length - shown.length;
  const nameOf = (i: number) => i < matrix.length ? classes[i] ?? `${i}` : "beyond the classes";
  const columns = Math.min(CLASSES + 1, matrix[0]?.length ?? 0);
  return {
    head: ["true \\ answer", ...Array.from({ length: columns }, (_, i) => nameOf(i))],
    rows: shown.map((row, i) => {
      const total = row.reduce((sum, count) => sum + count, 0) || 1;
      const head: RichCell = { text: nameOf(i), isHead: true };
      return [
        head,
        ...row.slice(0, columns).map((count, j): RichCell => ({
          text: count,
          style: shade(count / total, i === j),
        })),
      ];
    }),
    notes: left > 0 ? [counted(left, "more class", "more classes")] : [],
  };
}

/** Colours a cell, blue for right answers and red for wrong ones, with text that stands out. */
function shade(share: number, isRight: boolean): string {
  if (share === 0) return "color: inherit";
  const colour = isRight ? "51, 34, 136" : "136, 34, 85";
  const strength = 0.15 + 0.85 * share;
  const text = strength > 0.5 ? "; color: #ffffff" : "";
  return `background: rgba(${colour}, ${strength.toFixed(2)})${text}`;
}
