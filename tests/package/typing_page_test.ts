/** The page of examples/typing, in which a language model goes on with what is typed. */
import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import type { Page } from "npm:puppeteer-core@25.16.0";
import { longestCommonPart } from "../../examples/typing/common_part.ts";
import { initialParameters, mlp, Random, writeSafetensors } from "../../mod.ts";
import { textSource, type TextSourceParts } from "../../src/data/text/text_source.ts";
import { type SampleOptions, TextGenerator } from "../../src/predict/generation/text_generator.ts";
import { modelByName, modelOptionsOf } from "../../src/train/mod.ts";
import { open, textOf, untilText } from "../helpers/browser_example.ts";
import { testInBrowser } from "../helpers/chromium.ts";
import { inFolder, startExample } from "../helpers/command.ts";

/** Writes the folder of a run of a model that has learnt nothing. */
async function writeRun(
  folder: string,
  form: NonNullable<TextSourceParts["form"]>,
): Promise<string> {
  const authors = [{ name: "ann", lines: ["to be", "or not", "so é"] }];
  const { train } = await textSource({ name: "notes", authors, form }).arrange(undefined);
  const model = modelByName("lstm:layers=1,units=8", modelOptionsOf(train));
  await Deno.mkdir(folder);
  await writeSafetensors(`${folder}/model.safetensors`, await initialParameters(model, 5));
  await Deno.writeTextFile(`${folder}/model.json`, JSON.stringify(model));
  await Deno.writeTextFile(`${folder}/schema.json`, JSON.stringify(train.schema));
  return folder;
}

/** Text that the library goes on with. */
async function expected(run: string, text: string, options: SampleOptions): Promise<string> {
  const generator = await TextGenerator.load(run);
  generator.feed(text);
  return [...generator.sample({ temperature: 0.7, length: 300, ...options })].join("");
}

async function set(page: Page, id: string, value: string): Promise<void> {
  await page.evaluate(`{
    const input = document.getElementById("${id}");
    input.value = ${JSON.stringify(value)};
    input.dispatchEvent(new Event("input"));
  }`);
}

/** Waits until the page has written as much as is expected. */
async function untilWritten(page: Page, text: string): Promise<void> {
  await page.bringToFront();
  await page.waitForFunction(
    `document.getElementById("new").textContent === ${JSON.stringify(text)}`,
  );
  await untilText(page, "#speed", /^[\d,]+ characters a second$/);
}

// Takes some seconds: a page is bundled.
testInBrowser(
  "a page goes on with what is typed as the library does",
  (browser) =>
    inFolder(async (folder) => {
      const dist = `${folder}/dist`, run = await writeRun(`${folder}/run`, { mode: "lines" });
      const other = await writeRun(`${folder}/other`, { mode: "windows", steps: 6 });
      const build = await startExample("build:typing", [dist], { cwd: folder, writes: dist })
        .outcome;
      assertEquals(build.code, 0, build.stderr);
      const texts = `${folder}/texts.jsonl`;
      const lines = `XXX${await expected(run, "to b", {})}YYY`.split("\n");
      await Deno.writeTextFile(texts, JSON.stringify({ role: "ann", lines }));
      const server = startExample("typing", [run, "127.0.0.1:0", texts, dist], { cwd: folder });
      const [, url = ""] = await server.said(/Open (http:\S+)/);
      const faults: string[] = [];
      const wide = await open(browser, url, { faults, width: 1280, hasTouch: false });
      await untilText(
        wide,
        "#status",
        /^The model knows \d+ symbols, which are characters, and was trained on lines\.$/,
      );
      await wide.type("#text", "to b");
      const first = await expected(run, "to b", { seed: 0 });
      await untilWritten(wide, first);
      assertEquals(await textOf(wide, "#own"), "to b");
      await untilText(wide, "#common", /^Longest part that the training texts have too, 300 char/);
      await wide.click("#another");
      const second = await expected(run, "to b", { seed: 1 });
      assert(second !== first);
      await untilWritten(wide, second);
      await wide.click("#line");
      const [line = ""] = second.split("\n");
      await untilWritten(wide, line);
      await wide.click("#keep");
      assertEquals(await wide.evaluate(`document.getElementById("text").value`), `to b${line}`);

      await set(wide, "text", "to be\nor X");
      await untilText(wide, "#problem", /^Cannot encode the text: expected .*, got "X"$/);
      assertEquals(await textOf(wide, "#written"), "");
      await set(wide, "length", "0");
      await untilText(wide, "#problem", /^Characters at most: .+$/);
      await set(wide, "length", "20");
      await set(wide, "temperature", "0");
      await set(wide, "text", "not t");
      await untilWritten(
        wide,
        await expected(run, "not t", { temperature: 0, length: 20, seed: 1, stop: "\n" }),
      );
      assertEquals(await textOf(wide, "#problem"), "");

      const narrow = await open(browser, url, { faults, width: 390, hasTouch: true });
      await untilText(narrow, "#status", /trained on lines/);
      const chooser = await narrow.$("input[type=file]");
      await chooser?.uploadFile(`${other}/model.json`);
      await untilText(
        narrow,
        "#status",
        /^Cannot open the model: expected a file model\.safetensors/,
      );
      await chooser?.uploadFile(`${other}/model.safetensors`);
      await untilText(narrow, "#status", /^Cannot generate texts: the model has no description$/);
      const names = ["model.safetensors", "model.json", "schema.json"];
      await chooser?.uploadFile(...names.map((name) => `${other}/${name}`));
      await untilText(narrow, "#status", /trained on windows/);
      await narrow.tap("#text");
      await narrow.keyboard.type("or not to be");
      await untilWritten(narrow, await expected(other, "or not to be", { seed: 0 }));
      assertEquals(await narrow.evaluate("document.documentElement.scrollWidth"), 390);
      assertEquals(faults, []);
      server.kill();
      await server.outcome;
    }),
);

Deno.test("serve.ts of the page refuses what is no model of texts in one line", () =>
  inFolder(async (folder) => {
    for (
      const name of ["index.html", "styles.css", "typing.css", "page.js", "writer.js"]
    ) await Deno.writeTextFile(`${folder}/${name}`, "");
    const model = mlp({ inputShape: [4], numClasses: 2 });
    await writeSafetensors(`${folder}/model.safetensors`, await initialParameters(model, 1));
    await Deno.writeTextFile(`${folder}/model.json`, JSON.stringify(model));
    await writeRun(`${folder}/run`, {});
    const refusals = [
      [[], 2, /^Usage: serve\.ts RUN/],
      [[`${folder}/absent`, "127.0.0.1:0", "", folder], 1, /absent/],
      [[folder, "127.0.0.1:0", "", folder], 1, /^Cannot generate texts: expected a model of texts/],
      [[`${folder}/run`, "127.0.0.1:0", `${folder}/index.html`, folder], 1, /it has no texts\n$/],
      [[folder, "0.0.0.0:0"], 2, /^Cannot listen on 0\.0\.0\.0: expected an address of/],
    ] as const;
    await Promise.all(refusals.map(async ([args, code, line]) => {
      const outcome = await startExample("typing", args, { cwd: folder }).outcome;
      assertEquals(outcome.code, code, outcome.stderr);
      assertMatch(outcome.stderr, line);
      assertEquals(outcome.stderr.trimEnd().split("\n").length, 1);
    }));
  }));

Deno.test("longestCommonPart() finds what a search of all parts does", () => {
  const random = new Random(1, "test");
  const draw = (length: number, kinds: number) =>
    Array.from({ length: random.below(length) }, () => "abcde"[random.below(kinds)]).join("");
  for (let i = 0; i < 500; i++) {
    const text = draw(30, 1 + random.below(4)), others = draw(80, 1 + random.below(5));
    let best = "";
    for (let from = 0; from < others.length; from++) {
      for (let to = from + best.length + 1; to <= others.length; to++) {
        const part = others.slice(from, to);
        if (!text.includes(part)) break;
        best = part;
      }
    }
    assertEquals(longestCommonPart(text, others), best);
  }
});
