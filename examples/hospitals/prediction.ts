/** Predictions for a file whose columns are in another order. */

import { fedlab } from "./federation.ts";

/** Predictions of a run's model for a file as it is, and for the same with other columns. */
export interface PredictionCheck {
  /** Number of rows. */
  readonly rows: number;
  /** First lines of the predictions. */
  readonly head: readonly string[];
}

/**
 * Predicts for a file and for a copy without the target, whose other columns are in the opposite
 * order, and compares the two.
 *
 * @throws {Error} If the predictions differ in a character.
 */
export async function checkOrder(
  run: string,
  path: string,
  target: string,
): Promise<PredictionCheck> {
  // No field of these files has quotes or a comma in it.
  const lines = (await Deno.readTextFile(path)).trim().split(/\r?\n/).map((line) =>
    line.split(",")
  );
  const place = lines[0]?.indexOf(target) ?? -1;
  const turned = lines.map((fields) => fields.toSpliced(place, 1).reverse().join(","));
  const copy = `${run}/other-order.csv`;
  await Deno.writeTextFile(copy, turned.join("\n") + "\n");
  const [ordered = "", other] = await Promise.all(
    [[path, "predictions.csv"], [copy, "predictions-other-order.csv"]].map(
      async ([data = "", name]) => {
        const out = `${run}/${name}`;
        await fedlab(["predict", "--run", run, "--data", data, "--out", out], run);
        return await Deno.readTextFile(out);
      },
    ),
  );
  if (ordered !== other) throw new Error(`Expected the same predictions for ${path} and ${copy}`);
  return { rows: lines.length - 1, head: ordered.split("\n").slice(0, 4) };
}
