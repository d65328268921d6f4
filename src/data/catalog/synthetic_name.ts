import { DATASET_NAMES } from "./named.ts";
import { isNamedText } from "./text_name.ts";

/** Usage of a synthetic data set, for messages and help. */
export const SYNTHETIC_USAGE =
  "synthetic:rows=ROWS,features=COUNT,classes=COUNT[,test=ROWS][,seed=SEED]";

/** Returns true for the name of a synthetic data set, right or wrong. */
export function isSynthetic(spec: string): boolean {
  return /^synthetic(?::|$)/.test(spec);
}

/** Returns true for the name of a data set that is not the path of a file. */
export function isNamedData(spec: string): boolean {
  return DATASET_NAMES.includes(spec) || isSynthetic(spec) || isNamedText(spec);
}
