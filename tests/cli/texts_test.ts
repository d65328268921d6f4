import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { inFolder, runCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("simulate trains a language model on the texts of a file, each author a client", () =>
  inFolder(async (folder) => {
    const rows = ["ann", "bob", "cy"].map((name) =>
      JSON.stringify({ name, lines: Array.from({ length: 5 }, (_, i) => `${name} ${i}`) })
    );
    await Deno.writeTextFile(`${folder}/notes.jsonl`, rows.join("\n"));
    const { code, stderr } = await runCommand(
      "simulate",
      [
        ...[
          "--data",
          "notes.jsonl",
          "--sequences",
          "lines",
          "--partition",
          "natural",
          "--workers",
          "1",
        ],
        ...["--model", "lstm:layers=1,units=8", "--rounds", "2", "--fraction", "1", "--out", "run"],
      ],
      folder,
    );
    assertEquals(code, 0, stderr);
    assertMatch(stderr, /Simulating 3 clients, natural, 12 samples/);
    const schema = JSON.parse(await Deno.readTextFile(`${folder}/run/schema.json`));
    assertEquals([schema.inputs[0].kind, schema.target.steps], ["sequence", 6]);
    const report = JSON.parse(await Deno.readTextFile(`${folder}/run/report.json`));
    // Three lines to test on have six, six and five classes.
    const correct = report.rounds[1].accuracy * 17;
    assert(Math.abs(correct - Math.round(correct)) < 1e-6, `${report.rounds[1].accuracy}`);
    const generate = (...args: string[]) =>
      runCommand("generate", ["--run", "run", "--prompt", "ann ", ...args], folder);
    const text = await generate("--length", "9", "--temperature", "1", "--seed", "1");
    assertEquals(text.code, 0, text.stderr);
    assertMatch(text.stdout, /^ann [^]{9}\n$/);
    const unknown = await generate("--stop", "X");
    assertEquals([unknown.code, unknown.stdout], [1, ""]);
    assertMatch(unknown.stderr, /^error: Cannot encode the text: .* got "X"\n$/);
    const predict = (...args: string[]) =>
      runCommand("predict", ["--run", "run", "--data", "new.csv", "--out", "-", ...args], folder);
    await Deno.writeTextFile(`${folder}/new.csv`, "text,n\nann,7\n");
    const steps = await predict("--id-column", "n");
    assertEquals(steps.code, 0, steps.stderr);
    assertMatch(steps.stdout, /^n,step,prediction,probability\n(7,[1-4],[^\n]+,0\.\d+\n){4}$/);
    const evaluated = await runCommand(
      "evaluate",
      ["--run", "run", "--data", "notes.jsonl", "--json", "-"],
      folder,
    );
    assertEquals(evaluated.code, 0, evaluated.stderr);
    assertEquals(JSON.parse(evaluated.stdout).accuracy, report.rounds[1].accuracy);
  }));
