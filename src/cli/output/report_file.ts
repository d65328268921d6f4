import { runtime } from "../../base/runtime/runtime.ts";
import type { RunReport } from "../../round/report/report.ts";
import { v } from "../../plan/deps.ts";
import { faultOf, readJson } from "./json_file.ts";

/** Largest size of a report in bytes; runs of many rounds and clients have long reports. */
const MAX_BYTES = 2 ** 27;

const amount = v.pipe(v.number(), v.finite(), v.minValue(0));
/** Figure; NaN is null in JSON. */
const figure = v.nullish(v.number());
const figures = v.nullish(v.looseObject({ mean: figure, worstDecile: figure }));
/** Name of a curve in pictures and messages. */
const name = v.pipe(v.string(), v.maxLength(1000), v.regex(/^\P{Cc}*$/u, "expected one line"));

/** Fields of a report that are drawn. */
const report = v.looseObject({
  schema: v.literal("fedlab.run/1"),
  strategy: name,
  seed: v.optional(v.number()),
  rounds: v.array(v.looseObject({
    round: v.optional(v.number()),
    received: v.optional(v.number()),
    bytesUp: amount,
    bytesDown: amount,
    seconds: amount,
    loss: figure,
    accuracy: figure,
    trainLoss: figure,
    clients: v.nullish(v.looseObject({ accuracy: figures, loss: figures })),
  })),
});

/**
 * Reads the report of a run.
 *
 * @param given Path of the report, or of the run's folder.
 * @throws {Error} If it is not a report; the message names the file and the field.
 */
export async function readReport(given: string): Promise<{ path: string; report: RunReport }> {
  const isFolder = await runtime.files.stat(given).then((info) => info.isDirectory, () => false);
  const path = isFolder ? `${given.replace(/[\\/]+$/, "")}/report.json` : given;
  const value = await readJson(path, "run", { most: MAX_BYTES });
  const parsed = v.safeParse(report, value);
  if (parsed.success) return { path, report: value as RunReport };
  throw new TypeError(
    `Cannot read the run ${path}: expected a report "fedlab.run/1", but ${faultOf(parsed)}`,
  );
}
