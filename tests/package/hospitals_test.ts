import { assert, assertAlmostEquals, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { readSites } from "../../examples/hospitals/rows.ts";
import { Predictor } from "../../src/predict/mod.ts";
import { inFolder } from "../helpers/command.ts";

const ROOT = `${import.meta.dirname}/../..`;
const HEART = `${Deno.env.get("FEDLAB_DATA") || `${ROOT}/../shared/data`}/heart`;

type Figures = Readonly<Record<string, number>>;
interface Ways {
  readonly federated: { readonly bySite: readonly Figures[]; readonly all: Figures };
  readonly pooled: { readonly bySite: readonly Figures[]; readonly all: Figures };
}

/** Runs a program of the example with one seed, and gives its results. */
async function run(program: string, rounds: number, folder: string) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--frozen", `${ROOT}/examples/hospitals/${program}`, "1"]
      .concat(`${rounds}`, folder),
  }).output();
  const [said, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: said ?? "", stderr: errors ?? "" };
}

/** Area under the curve of all held-out rows, by comparing all pairs of predictions. */
async function exactAuc(folder: string): Promise<number> {
  await using predictor = await Predictor.load(folder);
  const sites = ["cleveland", "hungarian", "switzerland", "va"].map((name) => ({
    ...{ name, path: `${HEART}/${name}.csv` },
  }));
  const rows = await readSites({ sites, holdOut: 0.3, seed: 1 }, predictor.schema);
  const scores: [ill: number[], well: number[]] = [[], []];
  for (const { test } of rows) {
    const predictions = await predictor.predict(test);
    test.labels.forEach((label, row) =>
      scores[label === 1 ? 0 : 1].push(predictions.at(row)?.probabilities?.["true"] ?? NaN)
    );
  }
  const [ill, well] = scores;
  const won = ill.flatMap((a) => well.map((b) => a > b ? 1 : a === b ? 0.5 : 0));
  return won.reduce((sum: number, x) => sum + x, 0) / won.length;
}

const hasHospitals = await Deno.stat(`${HEART}/va.csv`).then(() => true, () => false);
if (!hasHospitals) console.warn(`skipped: no hospitals in ${HEART}`);

Deno.test({
  name: "four hospitals with gaps train a model, which predicts whatever the order of columns",
  ignore: !hasHospitals,
  fn: () =>
    inFolder(async (folder) => {
      const { code, stdout, stderr } = await run("main.ts", 12, folder);
      assertEquals(code, 0, stderr);
      const results: Record<"lr" | "mlp", Ways[]> = JSON.parse(
        await Deno.readTextFile(`${folder}/results.json`),
      );
      for (const [outcome] of Object.values(results)) {
        const { federated, pooled } = outcome ?? {};
        const [together = 0, inOnePlace = 0] = [federated?.all.rocAuc, pooled?.all.rocAuc];
        assert(together > 0.82 && together < 0.95, `AUC ${together}`);
        assert(Math.abs(together - inOnePlace) < 0.03, `AUC ${together}, pooled ${inOnePlace}`);
        assert((federated?.all.calibrationError ?? 1) < 0.12);
        assertEquals(federated?.bySite.length, 4);
      }
      const { rocAuc = NaN } = results.lr[0]?.federated.all ?? {};
      // From the probabilities of the rows, of which no client has sent one.
      assertAlmostEquals(rocAuc, await exactAuc(`${folder}/lr-1`), 1e-3);
      assertMatch(stdout, /200 predictions are the same .*\n\nprediction,probability_false,/);
    }),
});

Deno.test("four sites train a regression that comes near to least squares", () =>
  inFolder(async (folder) => {
    const { code, stdout, stderr } = await run("diabetes.ts", 40, folder);
    assertEquals(code, 0, stderr);
    if (stderr.includes("SKIPPED")) return console.warn(`skipped: ${stderr.trim()}`);
    const results: Record<string, Ways["pooled"][]> = JSON.parse(
      await Deno.readTextFile(`${folder}/results.json`),
    );
    const { r2: best = NaN } = results["least squares"]?.[0]?.all ?? {};
    // That of all 442 rows is 0.518 in sample.
    assert(best > 0.35 && best < 0.6, `R² ${best}`);
    for (const way of ["federated", "pooled"]) {
      const { r2 = NaN, rmse = NaN } = results[way]?.[0]?.all ?? {};
      assert(Math.abs(r2 - best) < 0.02, `${way}: R² ${r2}, least squares ${best}`);
      // In the target's own unit: its deviation is 77.
      assert(rmse > 45 && rmse < 65, `${way}: RMSE ${rmse}`);
    }
    assertMatch(stdout, /111 predictions are the same .*\n\nprogression\n\d+\.\d+\n/);
  }));
