import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { Ajv } from "npm:ajv@8.20.0";
import { configSchema } from "../../src/cli/config/schema.ts";
import type { RunReport } from "../../mod.ts";
import { inFolder, runCommand } from "../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const validate = new Ajv({ strict: false }).compile(configSchema());

const SMALL = { clients: 4, workers: 1, model: "lr", rounds: 2, data: "digits" };

/** Writes files, by their names. */
async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
}

Deno.test("--config takes options from JSON or YAML, and the command line wins", () =>
  inFolder(async (folder) => {
    await write(folder, {
      "run.json": JSON.stringify({ $schema: "x", command: "simulate", ...SMALL }),
      "run.yaml": "# a small run\nclients: 4\nworkers: 1\nmodel: lr\nrounds: 2\ndataset: digits\n",
    });
    const flags = Object.entries(SMALL).map(([name, value]) => `--${name}=${value}`);
    const digests = new Set<string>();
    for (const args of [flags, ["--config", "run.json"], ["--config=run.yaml"]]) {
      const { code, stderr } = await runCommand("simulate", [...args, "--json", "r.json"], folder);
      assertEquals(code, 0, stderr);
      const report: RunReport = JSON.parse(await Deno.readTextFile(`${folder}/r.json`));
      assertEquals(report.rounds.length, 2);
      digests.add(report.modelDigest);
    }
    assertEquals(digests.size, 1);
    const { stdout } = await runCommand(
      "simulate",
      ["--print-config", "--rounds", "7", "--config", "run.yaml"],
      folder,
    );
    assertEquals(JSON.parse(stdout).rounds, 7);
  }));

Deno.test("--print-config writes what --config reads, and its schema accepts", () =>
  inFolder(async (folder) => {
    const args = [
      ...["--world-size", "3", "--strategy", "fedprox:mu=0.1", "--lr", "0.5"],
      ...["--exclude-columns", 'a,"b,c"', "--exclude-columns", "d", "--insecure", "--standardize"],
      ...["--shape", "2,3", "--scale", "1/255", "--missing-values", "chol=0"],
    ];
    const first = await runCommand("server", ["--print-config", ...args], folder);
    assertEquals([first.code, first.stderr], [0, ""]);
    const written = JSON.parse(first.stdout);
    assertEquals(written["exclude-columns"], ["a", "b,c", "d"]);
    assertEquals([written.lr, written.scale, written.shape], [0.5, "1/255", "2,3"]);
    assertEquals([written.insecure, written.standardize], [true, true]);
    assert(validate(written), JSON.stringify(validate.errors));
    await write(folder, { "kept.json": first.stdout });
    const second = await runCommand("server", ["--config", "kept.json", "--print-config"], folder);
    assertEquals(second.stdout, first.stdout);
    // A folder for the run would be there if the command had begun.
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["kept.json"]);
  }));

Deno.test("an options file that the command cannot use is refused in one line", () =>
  inFolder(async (folder) => {
    const cases: [name: string, text: string, message: RegExp][] = [
      ["a.json", `{"rouds": 2}`, /simulate has no option "rouds" \(did you mean rounds\?\)$/],
      ["a.json", `{"evaluateEvery": 2}`, /"evaluateEvery" \(did you mean evaluate-every\?\)$/],
      ["a.json", `{"config": "b.json"}`, /has no option "config"/],
      ["a.json", `{"world-size": 2}`, /simulate has no option "world-size"/],
      ["a.json", `{"command": "server"}`, /expected the command simulate, got "server"$/],
      ["a.json", `{"rounds": 0}`, /rounds: expected a whole number from 1, got 0$/],
      ["a.json", `{"rounds": [1]}`, /rounds: expected a text or a number, got a list$/],
      ["a.json", `{"rounds": true}`, /rounds: expected a text or a number, got true$/],
      ["a.json", `{"sites": "yes"}`, /sites: expected true or false, got "yes"$/],
      ["a.json", `{"exclude-columns": [{}]}`, /a text, a number or a list of them, got a list$/],
      ["a.json", `{"strategy": "fedavgg"}`, /strategy: .*got "fedavgg"/],
      ["a.json", `{"data": "a", "dataset": "a"}`, /expected data or dataset, got both$/],
      ["a.json", `[]`, /a\.json: expected an object with a field per option$/],
      ["a.json", `{`, /Cannot read the options file a\.json: /],
      ["a.yaml", `a: [`, /Cannot read the options file a\.yaml: .* at line 1/],
      ["a.yml", `rounds: 1\nrounds: 2`, /duplicated mapping key at line 2/],
      ["a.yaml", `rounds: &a [*a, *a]`, /rounds: expected a text or a number/],
    ];
    for (const [name, text, message] of cases) {
      await write(folder, { [name]: text });
      const { code, stderr } = await runCommand("simulate", ["--config", name], folder);
      assert(code === 1 || code === 2, text);
      assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
      assertMatch(stderr.trimEnd(), message);
    }
    const { stderr } = await runCommand("simulate", ["--config", "none.json"], folder);
    assertMatch(stderr, /^error: Cannot read the options file none\.json: there is no such file/);
  }));

Deno.test("a run whose options come from a file is resumed with those that it began with", () =>
  inFolder(async (folder) => {
    const file = { ...SMALL, "checkpoint-every": 1, out: "run" };
    await write(folder, {
      "run.json": JSON.stringify(file),
      "more.json": JSON.stringify({ rounds: 3 }),
      "other.json": JSON.stringify({ model: "mlp" }),
    });
    const run = async (...args: string[]) => await runCommand("simulate", args, folder);
    assertEquals((await run("--config", "run.json")).code, 0);
    const other = await run("--resume", "run", "--config", "other.json");
    assertMatch(other.stderr, /expected --model lr as the run began, got mlp/);
    const { code, stderr } = await run("--resume", "run", "--config", "more.json");
    assertEquals(code, 0, stderr);
    const report: RunReport = JSON.parse(await Deno.readTextFile(`${folder}/run/report.json`));
    assertEquals(report.rounds.length, 3);
  }));

Deno.test("the schema of options files refuses unknown options and values out of range", () => {
  for (const wrong of [{ rouds: 1 }, { rounds: 0 }, { rounds: "x" }, { sites: "yes" }]) {
    assert(!validate({ command: "simulate", ...wrong }), JSON.stringify(wrong));
  }
  assert(!validate({ rounds: 1 }), "a file without a command");
  assert(validate({ command: "simulate", ...SMALL }), JSON.stringify(validate.errors));
});
