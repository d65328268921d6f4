import type { RunReport } from "../../round/report/report.ts";
import { v } from "../../plan/deps.ts";
import { faultOf, readJson } from "./json_file.ts";

/** Most bytes of a report: runs of many rounds with many clients have long ones. */
const MAX_BYTES = 2 ** 27;

const amount = v.pipe(v.number(), v.finite(), v.minValue(0));
/** A figure that is no number is null in JSON. */
const figure = v.nullish(v.number());
const figures = v.nullish(v.looseObject({ mean: figure, worstDecile: figure }));
/** It names curves in pictures and messages. */
const name = v.pipe(v.string(), v.maxLength(1000), v.regex(/^\P{Cc}*$/u, "expected one line"));

/** What is drawn of a report. */
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
 * Reads a run's report, or that in a run's folder. Rejects with an `Error` that names the file, and
 * the field that is not as it must be.
 */
export async function readReport(given: string): Promise<{ path: string; report: RunReport }> {
  const isFolder = await Deno.stat(given).then((info) => info.isDirectory, () => false);
  const path = isFolder ? `${given.replace(/[\\/]+$/, "")}/report.json` : given;
  const value = await readJson(path, "run", { most: MAX_BYTES });
  const parsed = v.safeParse(report, value);
  if (parsed.success) return { path, report: value as RunReport };
  throw new TypeError(
    `Cannot read the run ${path}: expected a report "fedlab.run/1", but ${faultOf(parsed)}`,
  );
}
