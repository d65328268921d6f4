import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { readSafetensors } from "../../mod.ts";
import { inFolder, taskArguments } from "../helpers/command.ts";
import { freePort } from "../helpers/free_port.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROOT = `${import.meta.dirname}/../..`;
const EXAMPLES = `${ROOT}/examples`;
/** The address that the commands name; each run takes a free port in its place. */
const ADDRESS = "127.0.0.1:9000";

/** What the program that comes to an end of its own accord prints last. */
const OUTCOMES: Readonly<Record<string, RegExp>> = {
  "central_training.ts": /^native: 150 steps in .* test accuracy [89]\d\.\d+%$/,
  "least_permissions.ts": /^loss 0\.[012]\d+$/,
  "own_data": /^accuracy (9\d\.\d|100\.0)% on 58 penguins$/,
  "own_handler": /^slopes 3\.0,-2\.0, intercept 1\.0$/,
  "own_strategy.ts": /^median-of-means: accuracy [89]\d\.\d%$/,
  "own_topology.ts": /^round 6: ranks 1,2, accuracy [89]\d\.\d%$/,
  "predict.ts": /^Gentoo 9\d\.\d%$/,
  "twenty_lines.ts": /^round 10: accuracy 9\d\.\d%$/,
  "two_machines": /^accuracy 9\d\.\d%$/,
  "workers": /^exit codes 0,0,0,0$/,
};

/** The example's modules: one, or all those in its folder. */
async function modulesOf(example: string): Promise<string[]> {
  const path = `${EXAMPLES}/${example}`;
  if (example.endsWith(".ts")) return [path];
  const entries = await Array.fromAsync(Deno.readDir(path));
  return entries.map(({ name }) => `${path}/${name}`).filter((file) => file.endsWith(".ts"));
}

/** The commands in the comment at a module's top. */
async function commandsOf(module: string): Promise<string[]> {
  const [header = ""] = (await Deno.readTextFile(module)).split("*/");
  return Array.from(header.matchAll(/^ \* {5}(deno .+)$/gm), ([, command = ""]) => command);
}

/** A command's arguments, as they are from any folder: a task spelled out, paths in the checkout from the root. */
function argumentsOf(command: string, address: string): string[] {
  const spelledOut = command.replace(
    /^deno task (\S+)/,
    (_, name) => ["deno", ...taskArguments(name)].join(" "),
  );
  return spelledOut.replaceAll(ADDRESS, address).split(" ").slice(1).map((argument) =>
    /^(src|examples|tests)\//.test(argument) ? `${ROOT}/${argument}` : argument
  );
}

/** Runs all commands of an example side by side in the folder, and gives what they write to standard output. */
async function run(example: string, cwd: string): Promise<string> {
  const commands = (await Promise.all((await modulesOf(example)).map(commandsOf))).flat();
  assert(commands.length > 0, `Expected a command at the top of ${example}`);
  const address = `127.0.0.1:${freePort()}`;
  const failed = new AbortController();
  const outputs = await Promise.all(commands.map(async (command) => {
    const args = argumentsOf(command, address);
    const { signal } = failed;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd, signal })
      .output();
    const text = new TextDecoder();
    // The others would wait for it.
    if (code !== 0) failed.abort(new Error(`${command} ends with ${code}: ${text.decode(stderr)}`));
    return text.decode(stdout);
  }));
  failed.signal.throwIfAborted();
  return outputs.join("");
}

/** Examples that a test of their own runs. */
const ELSEWHERE = [
  "browser",
  "deploy",
  "cluster",
  "docker",
  "grafana",
  "hospitals",
  "intents",
  "notebook.ipynb",
  "python",
  "typing",
];

Deno.test("examples are all run here, or by a test of their own", async () => {
  const found = (await Array.fromAsync(Deno.readDir(EXAMPLES))).map(({ name }) => name);
  assertEquals(found.filter((name) => !ELSEWHERE.includes(name)).sort(), Object.keys(OUTCOMES));
});

for (const [example, outcome] of Object.entries(OUTCOMES)) {
  Deno.test(`${example} does what it says, by the commands at its top`, () =>
    inFolder(async (folder) => {
      const lines = (await run(example, folder)).trim().split("\n");
      assertMatch(lines.at(-1) ?? "", outcome);
      if (example !== "twenty_lines.ts") return;
      const { manifest } = await readSafetensors(`${folder}/digits.safetensors`);
      assertEquals(manifest.tensors.map(({ shape }) => shape), [[64, 64], [64], [64, 10], [10]]);
    }));
}

Deno.test("examples that need arguments say in a line which", async () => {
  const cases = [
    ["central_training.ts", "torch"],
    ["own_data/client.ts"],
    ["predict.ts"],
    ["two_machines/client.ts", ADDRESS],
    ["two_machines/server.ts"],
  ];
  for (const [module, ...args] of cases) {
    const program = ["run", "--no-prompt", `--allow-read=${ROOT}`, `${EXAMPLES}/${module}`];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...program, ...args],
    })
      .output();
    assertEquals(code, 2);
    assertMatch(new TextDecoder().decode(stderr), /^Usage: \w+\.ts .*\n$/);
  }
});

Deno.test("README.md shows the program of twenty_lines.ts", async () => {
  const program = await Deno.readTextFile(`${EXAMPLES}/twenty_lines.ts`);
  const readme = await Deno.readTextFile(`${ROOT}/README.md`);
  const [, code = ""] = program.split("*/\n");
  assert(code.length > 0 && readme.includes(`\`\`\`ts\n${code}\`\`\`\n`), "Expected the same text");
});
