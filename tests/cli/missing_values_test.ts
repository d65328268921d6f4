import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { inFolder, runCommand, startCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Rows of two wards; a cholesterol of 0 was not measured. */
const CHOL = [[210, 0, 250, 190, 0.0, 230], [0, 300, 280, 0, 260, 240]];
const WARDS = CHOL.map((ward, k) =>
  ["chol,age,ill", ...ward.map((chol, i) => `${chol},${50 + 2 * i + k},${i % 2}`)].join("\n")
);
const MEASURED = CHOL.flat().filter((chol) => chol !== 0);
const MEAN = MEASURED.reduce((sum, chol) => sum + chol, 0) / MEASURED.length;

async function writeWards(folder: string): Promise<void> {
  for (const [i, text] of WARDS.entries()) {
    await Deno.writeTextFile(`${folder}/ward${i + 1}.csv`, text);
  }
}

/** Input of a schema, as far as the tests look at it. */
interface Chol {
  readonly missing: { readonly policy: string; readonly fill: number; readonly values: string[] };
  readonly standardize: { readonly mean: number };
}

async function readChol(path: string): Promise<Chol> {
  return JSON.parse(await Deno.readTextFile(path)).inputs[0];
}

const MEANING = [
  ...["--target", "ill", "--missing", "mean", "--standardize", "--missing-values", "chol=0"],
];

Deno.test("marks of a server are those of its clients, of their figures and of predictions", () =>
  inFolder(async (folder) => {
    await writeWards(folder);
    const server = startCommand("server", [
      ...["--listen", "127.0.0.1:0", "--world-size", "3", "--schema", "federated"],
      ...["--min-count", "1", "--model", "lr", "--rounds", "1", "--out", "run", ...MEANING],
    ], folder);
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const clients = [1, 2].map((ward) =>
      startCommand("client", [
        ...["--server", address, "--data", `ward${ward}.csv`, "--rank", `${ward}`],
        // A convention of one site besides that of all.
        ...(ward === 2 ? ["--missing-values", "chol=300"] : []),
      ], folder)
    );
    const outcomes = await Promise.all([server, ...clients].map(({ outcome }) => outcome));
    assertEquals(outcomes.map(({ code }) => code), [0, 0, 0], outcomes[0]?.stderr);
    assertMatch(outcomes[1]?.stderr ?? "", /filled in missing values: 2 of chol/);
    assertMatch(outcomes[2]?.stderr ?? "", /filled in missing values: 3 of chol/);
    const chol = await readChol(`${folder}/run/schema.json`);
    const left = MEASURED.filter((x) => x !== 300);
    const mean = left.reduce((sum, x) => sum + x, 0) / left.length;
    assertEquals(chol.missing.values, ["0"]);
    assert(Math.abs(chol.missing.fill - mean) < 1e-9, `${chol.missing.fill}, not ${mean}`);
    assert(Math.abs(chol.standardize.mean - mean) < 1e-9);
    // A file with 0 has the predictions of one with empty fields.
    await Deno.writeTextFile(`${folder}/empty.csv`, (WARDS[0] ?? "").replace(/^0,/gm, ","));
    const predicted: string[] = [];
    for (const data of ["ward1.csv", "empty.csv"]) {
      const { code, stderr } = await runCommand("predict", [
        ...["--run", "run", "--data", data, "--out", "predictions.csv"],
      ], folder);
      assertEquals(code, 0, stderr);
      predicted.push(await Deno.readTextFile(`${folder}/predictions.csv`));
    }
    assertEquals(predicted[0]?.split("\n").length, 8);
    assertEquals(predicted[0], predicted[1]);
  }));

Deno.test("stats counts the values that it marks as missing at all clients", () =>
  inFolder(async (folder) => {
    await writeWards(folder);
    const server = startCommand("stats", [
      ...["--listen", "127.0.0.1:0", "--world-size", "3", "--min-count", "1"],
      ...["--missing-values", "chol=0", "--json", "figures.json"],
    ], folder);
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const clients = [1, 2].map((ward) =>
      startCommand("client", ["--server", address, "--data", `ward${ward}.csv`], folder)
    );
    const outcomes = await Promise.all([server, ...clients].map(({ outcome }) => outcome));
    assertEquals(outcomes.map(({ code }) => code), [0, 0, 0], outcomes[0]?.stderr);
    const { columns: [chol] } = JSON.parse(await Deno.readTextFile(`${folder}/figures.json`));
    assertEquals([chol.name, chol.missing, chol.count], ["chol", 4, MEASURED.length]);
    assert(Math.abs(chol.mean - MEAN) < 1e-9);
  }));

Deno.test("marks are part of the schema whichever command makes it", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/wards`);
    await writeWards(`${folder}/wards`);
    const both = ["--data", "wards/ward1.csv,wards/ward2.csv"];
    const made = await runCommand("schema", [...both, ...MEANING, "--out", "schema.json"], folder);
    assertEquals(made.code, 0, made.stderr);
    const chol = await readChol(`${folder}/schema.json`);
    assertEquals(chol.missing, { policy: "mean", fill: MEAN, values: ["0"] });
    const sites = ["--data", "wards", "--sites", "--model", "lr", "--rounds", "1"];
    const simulate = async (args: string[], out: string) => {
      const { code, stderr } = await runCommand("simulate", [
        ...[...sites, "--evaluate", "clients", "--out", out, ...args],
      ], folder);
      assertEquals(code, 0, stderr);
      assertMatch(stderr, /filled in missing values: 4 of chol/);
      return await readChol(`${folder}/${out}/schema.json`);
    };
    assertEquals(await simulate(MEANING, "own"), chol);
    assertEquals(await simulate(["--schema", "schema.json"], "file"), chol);
    const figures = ["--schema", "federated", "--min-count", "1"];
    const { missing } = await simulate([...MEANING, ...figures], "federated");
    assertEquals(missing.values, ["0"]);
    assert(Math.abs(missing.fill - MEAN) < 1e-9);
  }));

Deno.test("options that would have no effect are refused in one line", () =>
  inFolder(async (folder) => {
    await writeWards(folder);
    const server = ["--world-size", "2", "--schema", "s.json"];
    const cases: [Parameters<typeof runCommand>[0], string[], string][] = [
      [
        "server",
        [...server, "--missing-values", "chol=0"],
        "--schema or --missing-values, got both",
      ],
      ["server", [...server, "--min-count", "2"], "expected --schema federated with --min-count"],
      ["simulate", ["--columns", "common"], "unknown option '--columns'"],
      ["simulate", ["--min-count", "2"], "expected --schema federated with --min-count"],
      ["simulate", ["--sites"], "expected a folder of tables (--data) with --sites, got digits"],
      [
        "simulate",
        ["--data", ".", "--sites", "--clients", "3"],
        "expected --sites or --clients, got both: each table is a client",
      ],
      ["simulate", ["--data", ".", "--sites", "--partition", "iid"], "--sites or --partition"],
      [
        "partition",
        ["--data", "ward1.csv", "--schema", "federated"],
        "expected a file with --schema, got federated",
      ],
      [
        "schema",
        ["--data", "ward1.csv", "--missing-indicator"],
        "expected --missing with --missing-indicator",
      ],
      [
        "client",
        ["--data", "ward1.csv", "--data", "ward2.csv"],
        "Expected --data once, as in --data a.csv,b.csv",
      ],
    ];
    for (const [command, args, message] of cases) {
      const { code, stderr } = await runCommand(command, args, folder);
      assertEquals(code, 2, `${args}: ${stderr}`);
      assert(stderr.includes(message), stderr);
      assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    }
  }));
