/** Questions that a server of pages gives to the banks. In earnest, each bank has its own. */

import { Dataset, partitionDirichlet } from "@fedlab/core";
import { type LabelledTexts, readLabelledTexts } from "@fedlab/core/data";

/** Questions of all banks. */
export interface DividedQuestions {
  /** Names of the intents. */
  readonly classes: readonly string[];
  /** Table of the questions of a bank, from 1, to train on or to test on; none for another bank. */
  table(use: "train" | "test", bank: number): string | undefined;
}

/**
 * Reads `train.csv` and `test.csv` of a folder and divides them: each intent is spread unevenly
 * over the banks.
 *
 * @param most Most questions to train on, of which a third is to test on.
 * @throws {RangeError} If a bank would have no question.
 */
export async function divideQuestions(
  folder: string,
  banks: number,
  most: number,
): Promise<DividedQuestions> {
  const read = async (name: string, count: number) =>
    spread(await readLabelledTexts(`${folder}/${name}`, { labelColumn: "category" }), count);
  const train = await read("train.csv", most), test = await read("test.csv", Math.ceil(most / 3));
  const classes = [...new Set(train.labels)].sort();
  const own = partition(train.labels, classes, banks);
  const without = own.findIndex((rows, bank) => rows.length === 0 || bank >= test.texts.length);
  if (without >= 0) {
    throw new RangeError(
      `Cannot divide ${train.texts.length} questions among ${banks} banks: bank ${
        without + 1
      } has none to train or to test on; give more questions`,
    );
  }
  return {
    classes,
    table(use, bank) {
      const rows = own[bank - 1];
      if (rows === undefined) return undefined;
      if (use === "train") return tableOf(train, rows);
      return tableOf(test, Array.from(test.texts.keys()).filter((i) => i % banks === bank - 1));
    },
  };
}

function partition(
  labels: readonly string[],
  classes: readonly string[],
  banks: number,
): readonly Uint32Array[] {
  const numbers = Int32Array.from(labels, (label) => classes.indexOf(label));
  const data = new Dataset(new Float32Array(numbers.length), numbers, [1], classes.length);
  return partitionDirichlet(data, banks, { alpha: 0.5, seed: 1 });
}

/** Takes texts at equal distances: the questions come in the order of their intents. */
function spread({ texts, labels }: LabelledTexts, most: number): LabelledTexts {
  const count = Math.min(most, texts.length);
  const rows = Array.from({ length: count }, (_, i) => Math.floor(i * texts.length / count));
  return {
    texts: rows.map((row) => texts[row] ?? ""),
    labels: rows.map((row) => labels[row] ?? ""),
  };
}

function tableOf({ texts, labels }: LabelledTexts, rows: Iterable<number>): string {
  const lines = Array.from(
    rows,
    (row) => `"${(texts[row] ?? "").replaceAll('"', '""')}","${labels[row] ?? ""}"\n`,
  );
  return `text,category\n${lines.join("")}`;
}
