/**
 * Four hospitals train a model of heart disease. Each has one file, with other gaps than the others
 * have, and keeps it. The server has no data.
 *
 *     deno run --allow-run --allow-net=127.0.0.1 --allow-read --allow-write --allow-env examples/hospitals/main.ts
 *
 * Arguments: the number of seeds (default 5), the number of rounds (default: that of the study), and
 * the folder of the runs (default: a new one in runs). README.md says what is compared.
 */
import { compare, type Comparison, type Study, WAYS } from "./comparison.ts";
import { checkOrder } from "./prediction.ts";
import { countFrom, ROOT, runsFolder } from "./runs_folder.ts";
import { formatTable } from "./table.ts";

const USAGE = "Usage: main.ts [SEEDS [ROUNDS [FOLDER]]]";
const [seedsText = "5", roundsText, givenFolder] = Deno.args;
const seeds = countFrom(seedsText, USAGE);
const givenRounds = roundsText === undefined ? undefined : countFrom(roundsText, USAGE);
const NAMES = ["Cleveland", "Hungarian", "Switzerland", "VA"];
const data = `${Deno.env.get("FEDLAB_DATA") || `${ROOT}/../shared/data`}/heart`;
const sites = NAMES.map((name) => ({ name, path: `${data}/${name.toLowerCase()}.csv` }));

for (const { path } of sites) {
  const isFile = await Deno.stat(path).then(({ isFile }) => isFile, () => false);
  if (isFile) continue;
  console.error(`Cannot find ${path}: expected the hospitals' files in heart in FEDLAB_DATA`);
  Deno.exit(1);
}

const shared = {
  sites,
  holdOut: 0.3,
  meaning: [
    // Switzerland wrote 0 for a cholesterol that nobody measured.
    ...["--missing-values", "chol=0"],
    ...["--target", "target > 0", "--missing", "mean", "--standardize"],
    ...["--categories", "cp,restecg,slope,thal", "--unknown-category", "other"],
  ],
};
const STUDIES: readonly Study[] = [
  {
    ...shared,
    model: "lr",
    rounds: givenRounds ?? 40,
    plan: { learningRate: 0.05, weightDecay: 0.01, batchSize: 10 },
  },
  {
    ...shared,
    model: "mlp",
    rounds: givenRounds ?? 30,
    plan: { learningRate: 0.05, weightDecay: 0.01, batchSize: 10 },
  },
];
const COLUMNS = [
  { heading: "AUC", metric: "rocAuc", decimals: 3 },
  { heading: "accuracy", metric: "accuracy", decimals: 3 },
  { heading: "calibration error", metric: "calibrationError", decimals: 3 },
];

const folder = await runsFolder("hospitals", givenFolder);
const results: Record<string, Omit<Comparison, "rows">[]> = {};
for (const study of STUDIES) {
  const { model, rounds } = study;
  const outcomes: Comparison[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    outcomes.push(await compare(`${folder}/${model}-${seed}`, study, seed));
    console.error(`${model}, seed ${seed}: compared`);
  }
  results[model] = outcomes.map(({ rows: _, ...metrics }) => metrics);
  const ways = WAYS.map((way) => ({ way, runs: outcomes.map((one) => one[way]) }));
  console.log(`\n${model}, ${rounds} rounds, ${seeds} seeds\n`);
  console.log(formatTable(NAMES, ways, COLUMNS));
}
await Deno.writeTextFile(`${folder}/results.json`, JSON.stringify(results, undefined, 2));

const va = sites[3]?.path ?? "";
const { rows, head } = await checkOrder(`${folder}/lr-1`, va, "target");
console.log(`\n${rows} predictions are the same with the columns in the opposite order:\n`);
console.log(head.join("\n"));
