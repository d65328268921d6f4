import { assert, assertAlmostEquals, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { Manifest, readSafetensors, writeSafetensors } from "../../mod.ts";
import { writeModel } from "../../src/train/mod.ts";
import { inFolder, runCommand } from "../helpers/command.ts";
import { WARD, wardModel, wardProbabilities } from "../helpers/trained.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Runs a test in a folder with the model of a ward and a table of four patients. */
function withWard(test: (folder: string) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    const { model, manifest, parameters, schema } = await wardModel();
    await writeModel(`${folder}/ward.safetensors`, {
      ...{ model, manifest, parameters },
      ...(schema && { schema }),
    });
    await Deno.writeTextFile(
      `${folder}/ward.csv`,
      'sex,name,chol,ill,age\nm,"Doe, J.",233,yes,63\nf,Roe,NA,no,41\nf,Poe,180,no,\nm,Moe,250,yes,57\n',
    );
    await test(folder);
  });
}

const MODEL = ["--model", "ward.safetensors"];
const PREDICT = [...MODEL, "--data", "ward.csv", "--id-column", "name"];

Deno.test("predict writes ids, classes and probabilities, and leaves no row out", () =>
  withWard(async (folder) => {
    const args = [...PREDICT, "--out", "out.csv"];
    const { code, stdout, stderr } = await runCommand("predict", args, folder);
    assertEquals([code, stdout], [0, ""], stderr);
    assertMatch(stderr, /Predicted for 3 rows; 1 with missing values have no prediction\n$/);
    const lines = (await Deno.readTextFile(`${folder}/out.csv`)).split("\n");
    assertEquals(lines[0], "name,prediction,probability_no,probability_yes");
    assertEquals(lines.length, 6);
    assertEquals([lines[3], lines[5]], ["Poe,,,", ""]);
    const [no, yes] = wardProbabilities(63, 233, "m");
    const [, answer, ...numbers] = /^"Doe, J\.",(\w+),(.+),(.+)$/.exec(lines[1] ?? "") ?? [];
    assertEquals(answer, yes > no ? "yes" : "no");
    assertAlmostEquals(Number(numbers[0]), no, 1e-6);
    assertAlmostEquals(Number(numbers[1]), yes, 1e-6);
    assertMatch(lines[2] ?? "", /^Roe,(yes|no),0\.\d+,0\.\d+$/);
    const toOutput = await runCommand("predict", [...PREDICT, "--out", "-"], folder);
    assertEquals(toOutput.stdout, await Deno.readTextFile(`${folder}/out.csv`));
  }));

Deno.test("predict names in one line what it cannot use, and writes nothing", () =>
  withWard(async (folder) => {
    await Deno.writeTextFile(`${folder}/other.csv`, "sex,age\nm,3\n");
    await Deno.writeTextFile(`${folder}/text.safetensors`, "no model, but text");
    const { manifest, parameters } = await wardModel();
    await writeSafetensors(`${folder}/bare.safetensors`, { manifest, parameters });
    await Deno.mkdir(`${folder}/empty`);
    const data = ["--data", "ward.csv"];
    const cases: [status: number, args: string[], says: string][] = [
      [
        1,
        [...MODEL, "--data", "other.csv"],
        `Cannot use other.csv: expected an input column named "chol", got sex, age`,
      ],
      [1, [...MODEL, "--data", "gone.csv"], "gone.csv"],
      [1, [...MODEL, "--data", "digits"], "Cannot use digits: expected the column age"],
      [1, ["--model", "text.safetensors", ...data], "Cannot read text.safetensors: expected"],
      [1, ["--model", "bare.safetensors", ...data], "expected its description in the metadata"],
      [
        1,
        ["--run", "empty", ...data],
        "Cannot read empty: expected the folder of a run that has ended",
      ],
      [1, ["--run", "gone", ...data], "Cannot read gone: there is no such file"],
      [2, [...MODEL, "--run", "empty", ...data], "expected --run or --model, got both"],
      [2, data, "expected --run or --model"],
    ];
    for (const [status, args, says] of cases) {
      const { code, stderr } = await runCommand("predict", [...args, "--out", "out.csv"], folder);
      assertEquals([code, stderr.trimEnd().split("\n").length], [status, 1], stderr);
      assert(stderr.startsWith("error: ") && stderr.includes(says), stderr);
    }
    assertEquals((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort(), [
      ...["bare.safetensors", "empty", "other.csv", "text.safetensors", "ward.csv"],
      "ward.safetensors",
    ]);
  }));

Deno.test("predict and evaluate compare units, and read files by the options of client", () =>
  inFolder(async (folder) => {
    const { inputs, ...rest } = WARD;
    const withUnit = inputs.map((one) => one.name === "chol" ? { ...one, unit: "chol" } : one);
    const schema = { ...rest, inputs: withUnit as typeof inputs };
    await writeModel(`${folder}/ward.safetensors`, { ...await wardModel(), schema });
    const header = "sex;chol [mmol/l];ill;age";
    const rows = "m;233,5;yes;63\nf;99,5;no;41\n";
    await Deno.writeTextFile(`${folder}/header.csv`, `${header}\n${rows}`);
    await Deno.writeTextFile(`${folder}/plain.csv`, `sex;chol;ill;age\n${rows}`);
    const form = ["--delimiter", ";", "--decimal", ",", "--encoding", "latin1"];
    const run = (command: "predict" | "evaluate", ...args: string[]) =>
      runCommand(
        command,
        [...MODEL, ...form, ...args, ...(command === "predict" ? ["--out", "out.csv"] : [])],
        folder,
      );
    const refused = (name: string) =>
      `error: Cannot use ${name}: expected the column chol in chol, got mmol/l\n`;
    for (const command of ["predict", "evaluate"] as const) {
      const byHeader = await run(command, "--data", "header.csv");
      assertEquals([byHeader.code, byHeader.stderr], [1, refused("header.csv")]);
      const plain = ["--data", "plain.csv", "--missing-values", "chol=99.5"];
      const byOption = await run(command, ...plain, "--unit", "chol=mmol/l");
      assertEquals([byOption.code, byOption.stderr], [1, refused("plain.csv")]);
      const { code, stderr } = await run(command, ...plain, "--unit", "chol=chol");
      assertEquals(code, 0, stderr);
      assertMatch(stderr, /filled in/);
    }
  }));

Deno.test("evaluate counts answers by the names of the classes, as JSON too", () =>
  withWard(async (folder) => {
    const args = [...MODEL, "--data", "ward.csv", "--json", "result.json"];
    const { code, stdout, stderr } = await runCommand("evaluate", args, folder);
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /rows .* 3 /);
    assertMatch(stdout, /true \\ predicted .* no .* yes/);
    const result = JSON.parse(await Deno.readTextFile(`${folder}/result.json`));
    const patients = [[63, 233, "m", 1], [41, 200, "f", 0], [57, 250, "m", 1]] as const;
    const confusion = [[0, 0], [0, 0]];
    let loss = 0;
    for (const [age, chol, sex, label] of patients) {
      const [no, yes] = wardProbabilities(age, chol, sex);
      loss -= Math.log(label === 1 ? yes : no) / 3;
      const row = confusion[label] ?? [], answer = yes > no ? 1 : 0;
      row[answer] = (row[answer] ?? 0) + 1;
    }
    assertEquals([result.numSamples, result.outputs, result.confusion], [
      3,
      ["no", "yes"],
      confusion,
    ]);
    assertAlmostEquals(result.loss, loss, 1e-5);
    const correct = (confusion[0]?.[0] ?? 0) + (confusion[1]?.[1] ?? 0);
    assertAlmostEquals(result.accuracy, correct / 3, 1e-9);
    assertAlmostEquals(result.metrics.logLoss, loss, 1e-5);
  }));

Deno.test("export writes the files of each format", () =>
  withWard(async (folder) => {
    const exported = async (to: string, out: string) => {
      const { code, stderr } = await runCommand(
        "export",
        [...MODEL, "--to", to, "--out", out],
        folder,
      );
      assertEquals(code, 0, stderr);
      return stderr.trimEnd().split("\n");
    };
    assertEquals(await exported("onnx", "ward.onnx"), ["Wrote ward.onnx"]);
    assertEquals(await exported("tfjs", "web"), ["Wrote web/model.json", "Wrote web/weights.bin"]);
    assertEquals((await exported("keras", "keras")).at(-1), "Wrote keras/load.py");
    const { code, stderr } = await runCommand("export", [...MODEL, "--to", "pmml"], folder);
    assertEquals(code, 2, stderr);
  }));

const SIMULATE = [
  ...["--clients", "2", "--fraction", "1", "--rounds", "1", "--workers", "1"],
  ...["--model", "lr", "--lr", "1e-30"],
];

Deno.test("--init begins from the weights of a file, by name", () =>
  inFolder(async (folder) => {
    const first = await runCommand("simulate", [...SIMULATE, "--out", "first"], folder);
    assertEquals(first.code, 0, first.stderr);
    const { manifest, parameters } = await readSafetensors(`${folder}/first/model.safetensors`);
    const given = parameters.map((_, i) => i / 1000);
    const renamed = Manifest.of(
      manifest.tensors.map(({ name, shape }) => ({ name: name.replace("logits", "fc"), shape })),
    );
    await writeSafetensors(`${folder}/init.safetensors`, { manifest: renamed, parameters: given });
    const names = async (value: unknown) =>
      await Deno.writeTextFile(`${folder}/names.json`, JSON.stringify(value));
    const simulate = (...args: string[]) =>
      runCommand("simulate", [...SIMULATE, "--init", "init.safetensors", ...args], folder);

    await names({ fc: "logits" });
    const second = await simulate("--init-names", "names.json", "--out", "second");
    assertEquals(second.code, 0, second.stderr);
    // The learning rate is too small to change them.
    const begun = await readSafetensors(`${folder}/second/model.safetensors`);
    assertEquals(begun.parameters, given);

    await names({ "fc/kernel": "logits/kernel" });
    const partial = await simulate(
      "--init-names",
      "names.json",
      "--init-partial",
      "--out",
      "third",
    );
    assertEquals(partial.code, 0, partial.stderr);
    assertMatch(
      partial.stderr,
      /Initialized as without init.safetensors, which lacks it: logits\/bias\n/,
    );
    assertMatch(partial.stderr, /Not used of init.safetensors: fc\/bias\n/);

    const cases: [unknown, string[], status: number, says: RegExp][] = [
      [{}, [], 1, /expected "logits\/kernel", "logits\/bias", which the file lacks; it has "fc/],
      [{ fc: 3 }, ["--init-names", "names.json"], 1, /Cannot read the names names.json: fc is 3/],
    ];
    for (const [value, args, status, says] of cases) {
      await names(value);
      const { code, stderr } = await simulate(...args);
      assertEquals(code, status, stderr);
      assertMatch(stderr, says);
    }
    const { code, stderr } = await runCommand(
      "simulate",
      [...SIMULATE, "--init-partial"],
      folder,
    );
    assertEquals([code, stderr], [2, "error: expected --init with --init-partial\n"]);
  }));

Deno.test("--init zeros and --init glorot choose the start of a built-in model", () =>
  inFolder(async (folder) => {
    const simulate = async (out: string, ...args: string[]) => {
      const run = await runCommand("simulate", [...SIMULATE, ...args, "--out", out], folder);
      assertEquals(run.code, 0, run.stderr);
      return (await readSafetensors(`${folder}/${out}/model.safetensors`)).parameters;
    };
    // The learning rate is too small to change the weights by much.
    const near = (weight: number) => Math.abs(weight) < 1e-4;
    const start = await simulate("default");
    assert(start.every(near));
    assertEquals(await simulate("zeros", "--init", "zeros"), start);
    const glorot = await simulate("glorot", "--init", "glorot");
    assert(!glorot.every(near));

    await Deno.writeTextFile(`${folder}/own.json`, "{}");
    const cases: [string[], status: number, says: RegExp][] = [
      [["--model", "mlp", "--init", "zeros"], 1, /expected initial weights glorot for mlp/],
      [["--init", "Zeros"], 1, /^error: Cannot begin from Zeros: expected zeros, glorot or a saf/],
      [["--init", "gone.safetensors"], 1, /; there is no such file, relative paths start at/],
      [
        ["--init", "."],
        1,
        /^error: Cannot begin from \.: .*; it is a folder, name a file in it\n$/,
      ],
      [
        ["--model", "own.json", "--init", "zeros"],
        2,
        /expected a file for --init with --model own/,
      ],
      [
        ["--init", "zeros", "--init-names", "names.json"],
        2,
        /expected a file for --init zeros with/,
      ],
    ];
    for (const [args, status, says] of cases) {
      const { code, stderr } = await runCommand("simulate", [...SIMULATE, ...args], folder);
      assertEquals(code, status, stderr);
      assertMatch(stderr, says);
    }
  }));

Deno.test("--init refuses the weights of a model with other inputs or outputs, by its schema", () =>
  withWard(async (folder) => {
    const rows = ["63,233,m,yes", "41,204,f,no", "57,250,m,yes", "50,180,f,no"];
    const table = (name: string, header: string, of = rows) =>
      Deno.writeTextFile(`${folder}/${name}.csv`, `${[header, ...of].join("\n")}\n`);
    await table("first", "age,chol,sex,ill");
    await table("swapped", "chol,age,sex,ill");
    await table("classes", "age,chol,sex,ill", rows.map((row) => row.replace(/yes$/, "maybe")));
    await table("scaled", "age,chol,sex,ill", rows.map((row) => row.replace("63", "64")));
    const simulate = (name: string, ...args: string[]) =>
      runCommand(
        "simulate",
        [
          ...[...SIMULATE, "--evaluate", "clients", "--hold-out", "0.5"],
          ...["--data", `${name}.csv`, "--standardize", "--out", name, ...args],
        ],
        folder,
      );
    const first = await simulate("first");
    assertEquals(first.code, 0, first.stderr);
    const begin = (name: string, ...args: string[]) =>
      simulate(name, "--init", "first/model.safetensors", ...args);
    const swapped = await begin("swapped");
    assertEquals([swapped.code, swapped.stderr.trim().split("\n").at(-1)], [
      1,
      "error: Cannot begin from first/model.safetensors: expected the inputs chol, age, sex=f, sex=m; got age, chol, sex=f, sex=m (--init-partial begins from weights of another model)",
    ]);
    const classes = await begin("classes");
    assertMatch(classes.stderr, /expected the outputs maybe, no; got no, yes/);
    const partial = await begin("classes", "--init-partial");
    assertEquals(partial.code, 0, partial.stderr);
    assertMatch(partial.stderr, /has another schema: expected the outputs maybe, no; got no, yes/);
    const scaled = await begin("scaled");
    assertEquals(scaled.code, 0, scaled.stderr);
    assertMatch(scaled.stderr, /has another schema: expected the mean .* of age, got /);
  }));
