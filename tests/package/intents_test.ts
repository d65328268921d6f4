import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { readPeft } from "../../src/encoder/peft/read_peft.ts";
import { inFolder } from "../helpers/command.ts";
import { hasMinilm, MINILM } from "../helpers/minilm.ts";

const ROOT = `${import.meta.dirname}/../..`;
const DATA = Deno.env.get("FEDLAB_DATA") ?? `${ROOT}/../shared/data`;
const hasTexts = await Deno.stat(`${DATA}/banking77`).then(() => true, () => false);
if (!hasTexts) console.warn(`skipped: no texts in ${DATA}/banking77`);

async function run(program: string, args: readonly string[], input = "") {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--frozen", `${ROOT}/examples/intents/${program}`, ...args],
    env: { FEDLAB_DATA: DATA, FEDLAB_MINILM: MINILM },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const [said = "", errors = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, lines: said.trim().split("\n"), errors };
}

// Takes some seconds: the encoder computes two hundred texts, twice.
Deno.test({
  name: "twenty banks train a head and adapters, and classify.ts answers by their model",
  ignore: !await hasMinilm("the intents of twenty banks") || !hasTexts,
  fn: () =>
    inFolder(async (folder) => {
      const { code, lines, errors } = await run("main.ts", ["2", "1", folder, "160"]);
      assertEquals(code, 0, errors);
      assertEquals(lines[0], "160 questions of 20 banks, 77 intents, 54 to test on");
      assertMatch(lines.at(-1) ?? "", /^accuracy \d\d\.\d% of the head, \d\d\.\d% with adapters$/);
      const { adapters, units, classes } = await readPeft(folder);
      assertEquals([adapters?.layers, adapters?.rank, units, classes?.length], [[4, 5], 8, 77, 77]);
      const answers = await run("classify.ts", [folder], "where is my card?\nunknown 🦕");
      assertEquals(answers.code, 0, answers.errors);
      assertEquals(answers.lines.length, 2);
      for (const line of answers.lines) assertMatch(line, /^(\w+\?? \d+%(, |$)){3}$/);
      assert(classes?.some((name) => answers.lines[0]?.startsWith(`${name} `)));
    }),
});
