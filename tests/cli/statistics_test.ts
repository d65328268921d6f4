import { assert, assertAlmostEquals, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { inFolder, runCommand, startCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Tables of two wards, whose columns have another order. */
const WARDS = [
  ["age,sex,stage", ...Array.from({ length: 30 }, (_, i) => `${40 + i},${"mf"[i % 2]},${i % 3}`)],
  [
    "sex,stage,age",
    ...Array.from({ length: 20 }, (_, i) => `m,${i % 2},${i === 3 ? "NA" : 60 + i}`),
  ],
];

async function writeWards(folder: string): Promise<void> {
  for (const [i, lines] of WARDS.entries()) {
    await Deno.writeTextFile(`${folder}/ward${i + 1}.csv`, lines.join("\n"));
  }
}

Deno.test("stats shows the figures of all clients, and of those that allow it", () =>
  inFolder(async (folder) => {
    await writeWards(folder);
    const server = startCommand("stats", [
      ...["--listen", "127.0.0.1:0", "--world-size", "3", "--target", "stage > 0"],
      ...["--json", "figures.json", "--svg", "figures.svg", "--min-count", "2"],
    ], folder);
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const clients = [1, 2].map((ward) =>
      startCommand("client", [
        ...["--server", address, "--data", `ward${ward}.csv`, "--logger-file", ""],
        ...(ward === 2 ? ["--share-statistics", "site", "--name", "Ward two"] : []),
      ], folder)
    );
    const outcomes = await Promise.all([server, ...clients].map(({ outcome }) => outcome));
    assertEquals(outcomes.map(({ code }) => code), [0, 0, 0], outcomes[0]?.stderr);
    const { stdout = "" } = outcomes[0] ?? {};
    assertMatch(stdout, /^50 rows of 2 sites\n/);
    assertMatch(stdout, /classes: true 30, false 20/);
    assertMatch(stdout, /\nrank \d \(Ward two\): 20 rows\n/);
    assert(!stdout.includes(": 30 rows"), stdout);
    const { schema, rows, columns } = JSON.parse(await Deno.readTextFile(`${folder}/figures.json`));
    assertEquals([schema, rows], ["fedlab.statistics/1", 50]);
    const age = columns.find(({ name }: { name: string }) => name === "age");
    const ages = WARDS.flatMap((lines, i) => lines.slice(1).map((line) => line.split(",")[2 * i]))
      .map(Number).filter((x) => !isNaN(x));
    assertAlmostEquals(age.mean, ages.reduce((sum, x) => sum + x, 0) / ages.length, 1e-9);
    assertEquals(age.missing, 1);
    const chart = await Deno.readTextFile(`${folder}/figures.svg`);
    assertEquals(chart.match(/class="column"/g)?.length, 3);
  }));

Deno.test("stats summarizes files exactly, and refuses in one line what it cannot", () =>
  inFolder(async (folder) => {
    await writeWards(folder);
    const { code, stdout } = await runCommand("stats", ["--data", "ward1.csv,ward2.csv"], folder);
    assertEquals(code, 0);
    assertMatch(stdout, /│ age +│ +1 │ +60\.\d+ │/);
    await Deno.writeTextFile(`${folder}/other.csv`, "age,sex,stage\nold,m,1\nyoung,f,0\n");
    const refused = async (args: string[], text: string) => {
      const { code, stderr } = await runCommand("stats", args, folder);
      assert(code === 1 || code === 2);
      assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
      assert(stderr.includes(text), stderr);
    };
    await refused(
      ["--data", "ward1.csv,other.csv"],
      "Cannot unite the column age: expected one kind and unit, got numbers at ward1.csv and texts at other.csv",
    );
    await refused(
      ["--data", "ward1.csv", "--target", "x > 0"],
      'expected a target column named "x"',
    );
    await refused(["--data", "digits"], "expected tables with --data, got digits");
    await refused([], "expected --world-size, or files by --data");
    await refused(["--data", "none.csv"], "none.csv");
  }));

Deno.test("a server without data makes the schema of its clients' data, and trains by it", () =>
  inFolder(async (folder) => {
    await writeWards(folder);
    const options = [
      ...["--schema", "federated", "--target", "stage > 0", "--missing", "mean"],
      ...["--standardize", "--model", "lr", "--rounds", "3", "--out", "run", "--min-count", "1"],
    ];
    const server = startCommand("server", [
      ...["--listen", "127.0.0.1:0", "--world-size", "3"],
      ...options,
    ], folder);
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const clients = [1, 2].map((ward) =>
      startCommand("client", [
        ...["--server", address, "--data", `ward${ward}.csv`, "--rank", `${ward}`],
        ...["--logger-file", "", "--hold-out", "0.2", "--json", `client${ward}.json`],
      ], folder)
    );
    const outcomes = await Promise.all([server, ...clients].map(({ outcome }) => outcome));
    assertEquals(outcomes.map(({ code }) => code), [0, 0, 0], outcomes[0]?.stderr);
    const { inputs, target } = JSON.parse(await Deno.readTextFile(`${folder}/run/schema.json`));
    assertEquals(inputs.map(({ name, kind }: Record<string, string>) => [name, kind]), [
      ["age", "number"],
      ["sex", "category"],
    ]);
    assertEquals(inputs[1].categories, ["f", "m"]);
    assertEquals(target, {
      ...{ name: "stage", task: "classification", classes: ["false", "true"], from: "stage > 0" },
    });
    for (const ward of [1, 2]) {
      const { rank, rounds } = JSON.parse(await Deno.readTextFile(`${folder}/client${ward}.json`));
      assertEquals([rank, rounds.length], [ward, 3]);
    }
    // Its schema is in the folder: nobody is asked again, and no client is needed for the report.
    const resumed = await runCommand("server", [
      ...["--resume", "run", "--listen", "127.0.0.1:0"],
    ], folder);
    assertEquals(resumed.code, 0, resumed.stderr);
  }));

Deno.test("a simulation of sites makes the schema of their data from figures", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/wards`);
    await writeWards(`${folder}/wards`);
    const simulate = async (schema: string[], out: string) => {
      const { code, stderr } = await runCommand("simulate", [
        ...["--data", "wards", "--sites", "--target", "stage > 0", "--missing", "mean"],
        ...["--standardize", "--model", "lr", "--rounds", "1", "--evaluate", "clients"],
        ...["--out", out],
        ...schema,
      ], folder);
      assertEquals(code, 0, stderr);
      return JSON.parse(await Deno.readTextFile(`${folder}/${out}/schema.json`));
    };
    const pooled = await simulate([], "pooled");
    const federated = await simulate(["--schema", "federated", "--min-count", "1"], "federated");
    const [own, all] = [federated, pooled].map(({ inputs }) => inputs[0].standardize);
    assertAlmostEquals(own.mean, all.mean, 1e-9);
    assertAlmostEquals(own.deviation, all.deviation, 1e-9);
    assertEquals(federated.inputs[1], pooled.inputs[1]);
    const refused = await runCommand("simulate", [
      ...["--data", "wards/ward1.csv", "--schema", "federated"],
    ], folder);
    assertMatch(refused.stderr, /expected tables with --sites for --schema federated/);
  }));

Deno.test("simulate --sites gives the model of a server with a client for each file", () =>
  inFolder(async (folder) => {
    await writeWards(folder);
    await Deno.mkdir(`${folder}/wards`);
    for (const name of ["ward1.csv", "ward2.csv"]) {
      await Deno.copyFile(`${folder}/${name}`, `${folder}/wards/${name}`);
    }
    const meaning = ["--target", "stage > 0", "--missing", "mean", "--standardize"];
    const file = ["--schema", "schema.json"];
    const made = await runCommand(
      "schema",
      ["--data", "ward1.csv", ...meaning, "--out", "schema.json"],
      folder,
    );
    assertEquals(made.code, 0, made.stderr);
    const training = ["--seed", "5", "--model", "lr", "--rounds", "2", "--evaluate", "clients"];
    for (const schema of [file, ["--schema", "federated", "--min-count", "2", ...meaning]]) {
      const common = [...training, ...schema];
      const server = startCommand("server", [
        ...["--listen", "127.0.0.1:0", "--world-size", "3", "--json", "server.json", ...common],
      ], folder);
      const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
      const clients = [1, 2].map((ward) =>
        startCommand("client", [
          ...["--server", address, "--data", `ward${ward}.csv`, "--rank", `${ward}`],
          ...["--hold-out", "0.3", "--seed", "5", "--name", `ward${ward}`],
        ], folder)
      );
      const outcomes = await Promise.all([server, ...clients].map(({ outcome }) => outcome));
      assertEquals(outcomes.map(({ code }) => code), [0, 0, 0], outcomes[0]?.stderr);
      const sites = ["--data", "wards", "--sites", "--hold-out", "0.3", "--json", "sites.json"];
      const { code, stderr } = await runCommand("simulate", [...sites, ...common], folder);
      assertEquals(code, 0, stderr);
      const [real, simulated] = await Promise.all(
        ["server", "sites"].map(async (name) =>
          JSON.parse(await Deno.readTextFile(`${folder}/${name}.json`))
        ),
      );
      assertEquals(simulated.modelDigest, real.modelDigest);
      const figures = ({ final }: typeof real) =>
        final.clients.byRank.map((
          { site, samples, loss, accuracy }: Record<string, unknown>,
        ) => [site, samples, loss, accuracy]);
      assertMatch(outcomes[0]?.stdout ?? "", /│ 2 ward2 +│ +6 │/);
      assertEquals(figures(simulated), figures(real));
    }
  }));
