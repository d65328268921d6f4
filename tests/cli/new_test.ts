import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { TEMPLATE_NAMES } from "../../src/cli/new/template_names.ts";
import { testInBrowser } from "../helpers/chromium.ts";
import { inFolder, runCommand } from "../helpers/command.ts";
import { freePort } from "../helpers/free_port.ts";
import { hasMinilm, MINILM } from "../helpers/minilm.ts";
import { runDeno } from "../helpers/package.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Makes a project, and gives its folder. */
async function make(folder: string, template: string): Promise<string> {
  const { code, stderr } = await runCommand("new", ["one", "--template", template], folder);
  assertEquals(code, 0, stderr);
  return `${folder}/one`;
}

for (const template of TEMPLATE_NAMES) {
  Deno.test(`a project of the template ${template} passes its tests`, () =>
    inFolder(async (folder) => {
      const project = await make(folder, template);
      const readme = await Deno.readTextFile(`${project}/README.md`);
      assert(!/\{\{\w+\}\}/.test(readme) && readme.startsWith("# one\n"), readme);
      // The types of its modules are checked with those of the package.
      const { code, stdout, stderr } = await runDeno(["task", "test", "--no-check"], project);
      assertEquals(code, 0, stdout + stderr);
    }));
}

Deno.test("the commands in the README of a project with tables train a server and two clients", () =>
  inFolder(async (folder) => {
    const project = await make(folder, "table");
    // The port of the example may be taken here.
    const port = freePort();
    for (const name of ["server.yaml", "client.yaml"]) {
      const text = await Deno.readTextFile(`${project}/${name}`);
      const own = text.replace("127.0.0.1:9000", `127.0.0.1:${port}`).replace(
        /^dashboard.*\n/m,
        "",
      );
      await Deno.writeTextFile(`${project}/${name}`, own);
    }
    const readme = await Deno.readTextFile(`${project}/README.md`);
    const tasks = readme.match(/^deno task (server|client).*$/gm) ?? [];
    assertEquals(tasks.length, 3);
    const outcomes = await Promise.all(
      tasks.map((task) => runDeno(task.split(" ").slice(1), project)),
    );
    for (const { code, stderr } of outcomes) assertEquals(code, 0, stderr);
    for (const site of ["north", "south"]) {
      assertMatch(outcomes[0]?.stdout ?? "", new RegExp(`[12] ${site} `));
    }
  }));

Deno.test({
  name: "the commands in the README of a project with texts train on the encoder, and predict",
  ignore: !(await hasMinilm("the template of texts")),
  fn: () =>
    inFolder(async (folder) => {
      const project = await make(folder, "text");
      await Deno.mkdir(`${project}/encoder`);
      for (const name of ["model.safetensors", "tokenizer.json"]) {
        await Deno.symlink(`${MINILM}/${name}`, `${project}/encoder/${name}`);
      }
      const trained = await runDeno(["task", "simulate", "--out", "runs/FOLDER"], project);
      assertEquals(trained.code, 0, trained.stderr);
      const readme = await Deno.readTextFile(`${project}/README.md`);
      const [predict = ""] = readme.match(/^deno task predict.*$/m) ?? [];
      const { code, stderr } = await runDeno(predict.split(" ").slice(1), project);
      assertEquals(code, 0, stderr);
      const rows = (await Deno.readTextFile(`${project}/runs/predictions.csv`)).split("\n");
      const labels = rows.slice(1, 4).map((row) => row.split(",")[0]);
      assertEquals(labels, ["delivery", "invoice", "account"]);
    }),
});

Deno.test("new leaves a folder as it is that has something in it", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/one`);
    await Deno.writeTextFile(`${folder}/one/notes.txt`, "mine");
    const { code, stderr } = await runCommand("new", ["one"], folder);
    assertEquals(code, 1);
    assertMatch(stderr, /^error: Cannot make a project in one: there is notes\.txt in it already/);
    assertEquals([...Deno.readDirSync(`${folder}/one`)].map(({ name }) => name), ["notes.txt"]);
    const wrong = await runCommand("new", ["two", "--template", "tables"], folder);
    assertEquals(wrong.code, 2);
    assertMatch(wrong.stderr, /Allowed choices are table, text, images, browser, own-training/);
  }));

testInBrowser(
  "two pages of the template browser train together to the end",
  (browser) =>
    inFolder(async (folder) => {
      const project = await make(folder, "browser");
      const built = await runDeno(["task", "build"], project);
      assertEquals(built.code, 0, built.stderr);
      const port = freePort();
      const server = runDeno(["task", "start", `${port}`, "2"], project);
      const pages = [];
      for (const part of [1, 2]) {
        const page = await browser.newPage();
        for (;;) {
          try {
            await page.goto(`http://127.0.0.1:${port}/?part=${part}/2`);
            break;
          } catch {
            await new Promise((resolve) => setTimeout(resolve, 200));
          }
        }
        pages.push(page);
      }
      // waitForFunction() never returns for a page in the background.
      for (const page of pages) {
        for (let tries = 0;; tries++) {
          const text = await page.$eval("#status", ({ textContent }) => textContent ?? "");
          if (/over: accuracy [89]/.test(text)) break;
          assert(tries < 300, `the page says ${text}`);
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      }
      const { code, stdout, stderr } = await server;
      assertEquals(code, 0, stderr);
      assertMatch(stdout, /The run is over, model \w{64}/);
    }),
);
