/**
 * Four sites train a linear regression of the progression of diabetes. The server has no data.
 *
 *     deno run --allow-run --allow-net=127.0.0.1 --allow-read --allow-write --allow-env examples/hospitals/diabetes.ts
 *
 * Arguments: the number of seeds (default 5), the number of rounds (default 100), and the folder of
 * the runs (default: a new one in runs). The data are in the wheel of scikit-learn, which pip
 * downloads into the user's cache folder.
 */
import { errorMessage } from "@fedlab/core";
import type { SiteMetrics } from "./baselines.ts";
import { compare, type Comparison, type Study, WAYS } from "./comparison.ts";
import { diabetesLines, TARGET } from "./diabetes_data.ts";
import { leastSquares } from "./least_squares.ts";
import { checkOrder } from "./prediction.ts";
import { formatTable } from "./table.ts";
import { countFrom, runsFolder } from "./runs_folder.ts";

const USAGE = "Usage: diabetes.ts [SEEDS [ROUNDS [FOLDER]]]";
const [seedsText = "5", roundsText = "100", givenFolder] = Deno.args;
const seeds = countFrom(seedsText, USAGE), rounds = countFrom(roundsText, USAGE);
const cache = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME")}/.cache`;
const [header, ...rows] = await diabetesLines(`${cache}/fedlab/diabetes`).catch((error) => {
  console.error(`SKIPPED: no diabetes data. ${errorMessage(error)}`);
  Deno.exit(0);
});

const folder = await runsFolder("diabetes", givenFolder);
// A quarter of the rows for each, in the order of the file.
const sites = await Promise.all(["A", "B", "C", "D"].map(async (letter, i, { length }) => {
  const [from, to] = [i, i + 1].map((part) => Math.round(part * rows.length / length));
  const path = `${folder}/site-${letter}.csv`;
  await Deno.writeTextFile(path, [header, ...rows.slice(from, to)].join("\n") + "\n");
  return { name: `Site ${letter}`, path };
}));
const study: Study = {
  sites,
  holdOut: 0.3,
  model: "lr",
  rounds,
  plan: { learningRate: 0.02, weightDecay: 0, batchSize: 10 },
  meaning: ["--target", TARGET, "--task", "regression", "--standardize"],
};
const COLUMNS = [
  { heading: "RMSE", metric: "rmse", decimals: 1 },
  { heading: "MAE", metric: "mae", decimals: 1 },
  { heading: "R²", metric: "r2", decimals: 3 },
];

const outcomes: Comparison[] = [], references: SiteMetrics[] = [];
for (let seed = 1; seed <= seeds; seed++) {
  outcomes.push(await compare(`${folder}/${seed}`, study, seed));
  references.push(await leastSquares(study, seed));
  console.error(`seed ${seed}: compared`);
}
const ways = WAYS.map((way) => ({ way, runs: outcomes.map((one) => one[way]) }));
const all = [...ways, { way: "least squares", runs: references }];
console.log(`\n${rounds} rounds, ${seeds} seeds\n`);
console.log(formatTable(sites.map(({ name }) => name), all, COLUMNS));
const results = Object.fromEntries(all.map(({ way, runs }) => [way, runs]));
await Deno.writeTextFile(`${folder}/results.json`, JSON.stringify(results, undefined, 2));

const { rows: count, head } = await checkOrder(`${folder}/1`, sites[0]?.path ?? "", TARGET);
console.log(`\n${count} predictions are the same with the columns in the opposite order:\n`);
console.log(head.join("\n"));
