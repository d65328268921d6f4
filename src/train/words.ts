import type { Dataset } from "../data/dataset.ts";

/** Table of an Embedding, whose rows the values of the data choose. */
export interface WordTable {
  /** Name of the layer. */
  readonly name: string;
  /** Number of rows. */
  readonly inputDim: number;
  /** True if zeros are padding. */
  readonly maskZero: boolean;
}

/** Data to embed, with the targets of their steps where there are some. */
export type Words =
  & Pick<Dataset, "features" | "rowLength">
  & Partial<Pick<Dataset, "targets" | "outputs">>;

/**
 * Checks that the values of the data are rows of the table of an embedding, and that no step of
 * padding has a class.
 *
 * @throws {RangeError} If a value is not, or one has.
 */
export function checkWords({ name, inputDim, maskZero }: WordTable, data: Words): void {
  const { features, rowLength } = data, where = `Cannot embed the data in layer ${name}`;
  const wrong = features.findIndex((x) => !(Number.isInteger(x) && x >= 0 && x < inputDim));
  if (wrong >= 0) {
    throw new RangeError(
      `${where}: expected whole numbers from 0 to ${inputDim - 1}, its vocabulary being ` +
        `${inputDim}, got ${features[wrong]} in row ${Math.floor(wrong / rowLength)}`,
    );
  }
  if (maskZero) checkPadding(where, data);
}

/** Checks that steps of padding have no class. */
function checkPadding(where: string, { features, rowLength, targets, outputs = 1 }: Words): void {
  if (targets === undefined || outputs === 1 || outputs !== rowLength) return;
  const labelled = targets.findIndex((label, i) => label >= 0 && features[i] === 0);
  if (labelled < 0) return;
  throw new RangeError(
    `${where}: expected no class (-1) at steps of padding, got ${targets[labelled]} at step ${
      labelled % rowLength
    } of row ${Math.floor(labelled / rowLength)}`,
  );
}
