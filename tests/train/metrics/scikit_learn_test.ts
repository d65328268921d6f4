import { Random } from "../../../src/base/random.ts";
import { metricsOf } from "../../../src/train/metrics/metrics.ts";
import { makeTally } from "../../../src/train/metrics/tally.ts";
import { assert, assertAlmostEquals } from "@std/assert";

const ROWS = 2000;

/** Reads cases as JSON and writes scikit-learn's metrics of each. */
const REFERENCE = `
import json, sys, numpy as np
from sklearn import metrics as M
def figures(task, units, output, targets):
    z, y = np.array(output).reshape(-1, units), np.array(targets)
    if task == "regression":
        y = y.reshape(-1, units)
        return {"rmse": M.root_mean_squared_error(y, z), "mae": M.mean_absolute_error(y, z), "r2": M.r2_score(y, z)}
    macro = {"average": "macro"}
    if task == "multi-label":
        y, a, p = y.reshape(-1, units), (z > 0).astype(int), 1 / (1 + np.exp(-z))
    else:
        a, p = z.argmax(1), np.exp(z - z.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
    found = {"accuracy": M.accuracy_score(y, a), "precision": M.precision_score(y, a, **macro),
             "recall": M.recall_score(y, a, **macro), "f1": M.f1_score(y, a, **macro)}
    if task == "classification":
        found.update(balancedAccuracy=M.balanced_accuracy_score(y, a), logLoss=M.log_loss(y, p))
        if units == 2: found["brier"] = M.brier_score_loss(y, p[:, 1])
    scores, truth = (p[:, 1], y) if units == 2 else (p, y if task == "multi-label" else np.eye(units)[y])
    found["rocAuc"] = M.roc_auc_score(truth, scores, **macro)
    found["averagePrecision"] = M.average_precision_score(truth, scores, **macro)
    return found
print(json.dumps([figures(*case) for case in json.load(sys.stdin)]))
`;

const PYTHON = Deno.env.get("FEDLAB_PYTHON") ?? "python3";

async function runPython(code: string, input = ""): Promise<string | undefined> {
  try {
    const process = new Deno.Command(PYTHON, {
      args: ["-c", code],
      ...{ stdin: "piped", stdout: "piped", stderr: "null" } as const,
    }).spawn();
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input)).catch(() => {});
    await writer.close().catch(() => {});
    const { success, stdout } = await process.output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}

const IS_THERE =
  await runPython("from sklearn.metrics import root_mean_squared_error") !== undefined;

/** Outputs and targets of a task, from a seed. */
function caseOf(task: "classification" | "multi-label" | "regression", units: number) {
  const random = new Random(4, "test");
  const targets = task === "classification"
    ? Int32Array.from({ length: ROWS }, () => Math.floor(units * random.uniform() ** 1.5))
    : Float32Array.from(
      { length: ROWS * units },
      () => task === "regression" ? 10 + 3 * random.normal() : Number(random.uniform() < 0.3),
    );
  const output = Float32Array.from({ length: ROWS * units }, (_, i) => {
    const own = task === "classification"
      ? 2 * Number(targets[Math.floor(i / units)] === i % units)
      : targets[i] ?? NaN;
    return own + (task === "regression" ? 1 : 2) * random.normal();
  });
  return { task, units, output, targets };
}

Deno.test({
  name: "metricsOf() equals scikit-learn (needs Python with scikit-learn 1.4, see FEDLAB_PYTHON)",
  ignore: !IS_THERE,
  async fn() {
    const cases = [
      caseOf("classification", 2),
      caseOf("classification", 5),
      caseOf("multi-label", 3),
      caseOf("regression", 2),
    ];
    const input = cases.map((
      { task, units, output, targets },
    ) => [task, units, [...output], [...targets]]);
    const text = await runPython(REFERENCE, JSON.stringify(input));
    assert(text !== undefined);
    const references: Record<string, number>[] = JSON.parse(text);
    const losses = {
      "classification": "softmaxCrossEntropy",
      "multi-label": "sigmoidCrossEntropy",
      "regression": "meanSquaredError",
    } as const;
    for (const [i, { task, units, output, targets }] of cases.entries()) {
      const tally = makeTally({ task }, losses[task], units);
      tally?.add(output, targets);
      const sums = tally?.sums, reference = references[i];
      assert(sums && reference);
      const metrics = metricsOf(sums);
      for (const [name, value] of Object.entries(reference)) {
        const isArea = name === "rocAuc" || name === "averagePrecision";
        assertAlmostEquals(metrics[name] ?? NaN, value, isArea ? 1e-4 : 1e-9, `${task} ${name}`);
      }
    }
  },
});
