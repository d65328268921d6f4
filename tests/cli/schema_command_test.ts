import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { inFolder, runCommand, startCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Two classes that a line parts: the value stands in column a for no, in column b for yes. */
function rows(classes: readonly string[]): [a: number, b: number, y: string][] {
  return Array.from({ length: 8 }, (_, i) => i + 1).flatMap((i) =>
    classes.map((y) => y === "no" ? [i, 0, y] : [0, i, y]) as [number, number, string][]
  );
}

const csv = (header: string, lines: readonly (readonly unknown[])[]) =>
  [header, ...lines.map((fields) => fields.join(","))].join("\n");

/** Runs a server and a client for each list of arguments. */
async function federation(
  folder: string,
  serverArgs: readonly string[],
  clientArgs: readonly (readonly string[])[],
) {
  const server = startCommand("server", [
    ...["--listen", "127.0.0.1:0", "--world-size", `${clientArgs.length + 1}`, "--rounds", "20"],
    ...["--model", "lr", "--out", "run", "--json", "report.json", ...serverArgs],
  ], folder);
  const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
  const clients = clientArgs.map((args, i) =>
    startCommand("client", [
      ...["--server", address, "--rank", `${i + 1}`, ...args],
    ], folder)
  );
  const outcomes = await Promise.all([server, ...clients].map(({ outcome }) => outcome));
  assertEquals(
    outcomes.map(({ code }) => code),
    outcomes.map(() => 0),
    outcomes.map(({ stderr }) => stderr).join("\n"),
  );
  return JSON.parse(await Deno.readTextFile(`${folder}/report.json`)).final;
}

Deno.test("clients that lack a class, or have columns in another order, learn what all mean", () =>
  inFolder(async (folder) => {
    const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
    await write("all.csv", csv("a,b,y", rows(["no", "yes"])));
    await write("no.csv", csv("a,b,y", rows(["no"])));
    await write("yes.csv", csv("y,b,ward,a", rows(["yes"]).map(([a, b, y]) => [y, b, "w3", a])));
    const final = await federation(folder, ["--data", "all.csv"], [
      ["--data", "no.csv"],
      ["--data", "yes.csv"],
    ]);
    assertEquals([final.accuracy, final.samples], [1, 16]);
    const { target } = JSON.parse(await Deno.readTextFile(`${folder}/run/schema.json`));
    assertEquals(target.classes, ["no", "yes"]);
  }));

Deno.test("a server with a schema needs no data, and a client that differs says by what", () =>
  inFolder(async (folder) => {
    const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
    await write("sample.csv", csv("a,b,stage", [[1, "?", 0], [0, 3, 2], [2, 0, 0]]));
    const made = await runCommand("schema", [
      ...["--data", "sample.csv", "--target", "stage > 0", "--missing", "median"],
      ...["--missing", "a=7", "--missing-indicator", "--unit", "b=mmHg", "--out", "schema.json"],
    ], folder);
    assertEquals(made.code, 0, made.stderr);
    assertMatch(made.stderr, /sample\.csv: filled in missing values: 1 of b/);
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/schema.json`)), {
      format: "fedlab.schema/1",
      inputs: [
        { name: "a", kind: "number", missing: { policy: "constant", fill: 7, indicator: true } },
        {
          name: "b",
          kind: "number",
          unit: "mmHg",
          missing: { policy: "median", fill: 1.5, indicator: true },
        },
      ],
      target: {
        name: "stage",
        task: "classification",
        classes: ["false", "true"],
        from: "stage > 0",
      },
    });
    const lines = rows(["no", "yes"]).map(([a, b, y]) => [y === "no" ? 0 : 3, b, a]);
    await write("ward.csv", csv("stage,b [mmHg],a", lines));
    await write("kpa.csv", csv("stage,b [kPa],a", lines));
    const final = await federation(folder, ["--schema", "schema.json"], [
      ["--data", "ward.csv", "--hold-out", "0.25", "--schema", "schema.json"],
    ]);
    assertEquals([final.accuracy, final.samples], [1, 4]);

    const server = startCommand("server", [
      ...["--listen", "127.0.0.1:0", "--world-size", "2", "--schema", "schema.json"],
      ...["--model", "lr", "--out", "run2"],
    ], folder);
    const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
    const schema = JSON.parse(await Deno.readTextFile(`${folder}/schema.json`));
    schema.inputs[0].missing.fill = 8;
    await write("own.json", JSON.stringify(schema));
    const cases: [args: string[], message: RegExp][] = [
      [["--data", "kpa.csv"], /Cannot use kpa\.csv: expected the column b in mmHg, got kPa/],
      [
        ["--data", "ward.csv", "--unit", "b=kPa"],
        /Cannot use ward\.csv: expected the column b in mmHg, got kPa/,
      ],
      [["--data", "ward.csv", "--schema", "own.json"], /expected the fill value 8 of a, got 7/],
      [["--data", "digits"], /Cannot use digits: expected the column a, got data without columns/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await runCommand("client", ["--server", address, ...args], folder);
      assert(code !== 0);
      assertMatch(stderr, message);
    }
    server.process.kill("SIGTERM");
    await server.outcome;
  }));

Deno.test("options about columns may have names with commas, and are refused where they say nothing", () =>
  inFolder(async (folder) => {
    const text = 'a,"b, c",y\n1,1,"Adult, 1 Egg Stage"\n2,0,Chick\n';
    await Deno.writeTextFile(`${folder}/t.csv`, text);
    const { code, stdout, stderr } = await runCommand("schema", [
      ...["--data", "t.csv", "--classes", '"Adult, 1 Egg Stage",Chick', "--categories", '"b, c"'],
    ], folder);
    assertEquals(code, 0, stderr);
    const { inputs, target } = JSON.parse(stdout);
    assertEquals(target.classes, ["Adult, 1 Egg Stage", "Chick"]);
    assertEquals(inputs[1].categories, ["0", "1"]);
    const made = await runCommand("schema", ["--data", "t.csv", "--out", "s.json"], folder);
    assertEquals(made.code, 0, made.stderr);
    const cases: [
      command: "schema" | "client" | "server" | "simulate",
      args: string[],
      message: RegExp,
    ][] = [
      ["schema", ["--data", "t.csv", "--classes", '"a'], /names in quotes/],
      ["schema", ["--data", "t.csv", "--missing", "a="], /Expected VALUE or COLUMN=VALUE/],
      ["schema", ["--data", "digits", "--missing", "mean"], /expected a table with --missing/],
      ["client", ["--standardize"], /expected --standardize of the server alone/],
      [
        "server",
        ["--world-size", "2", "--schema", "s.json", "--evaluate", "server"],
        /expected --data with --evaluate server, or --evaluate clients/,
      ],
      [
        "server",
        ["--world-size", "2", "--schema", "federated", "--delimiter", ";"],
        /expected --data with --delimiter, which is about files/,
      ],
      [
        "server",
        ["--world-size", "2", "--schema", "s.json", "--standardize"],
        /expected no --standardize with --schema s.json, which says what the data mean/,
      ],
      [
        "server",
        ["--world-size", "2", "--schema", "s.json", "--target", "y"],
        /expected no --target with --schema s.json/,
      ],
      [
        "simulate",
        ["--data", "t.csv", "--schema", "s.json", "--missing", "mean", "--test-share", "0.5"],
        /expected no --missing with --schema s.json/,
      ],
    ];
    for (const [command, args, message] of cases) {
      const { code, stderr } = await runCommand(command, args, folder);
      assertEquals(code, 2, stderr);
      assertMatch(stderr, message);
    }
  }));
