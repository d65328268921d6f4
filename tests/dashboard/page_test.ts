import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import axe from "npm:axe-core@4.10.3";
import type { Page } from "npm:puppeteer-core@25.16.0";
import { testInBrowser } from "../helpers/chromium.ts";
import { inFolder, startCommand } from "../helpers/command.ts";

/** Runs the checks of accessibility in the page, and names what is serious. */
async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate("axe.run()") as axe.AxeResults;
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

/** Waits until the sentence about the run matches. */
async function said(page: Page, pattern: RegExp): Promise<RegExpExecArray> {
  await page.waitForFunction(
    `${pattern}.test(document.querySelector(".state")?.textContent ?? "")`,
  );
  const match = pattern.exec(await page.$eval(".state", ({ textContent }) => textContent ?? ""));
  assert(match !== null);
  return match;
}

/** Text that a page must show and not obey. */
const MARKUP = "<img src=x onerror=alert(1)><b>north</b>";

/** Report of a run with hostile names of a site, a metric and a class. */
const HOSTILE = {
  ...{ schema: "fedlab.run/1", seed: 1, strategy: "fedavg", transport: "tcp", worldSize: 2 },
  members: [{ rank: 1, identity: "open", site: MARKUP, received: 3, refused: 1, dropped: 0 }],
  rounds: [{
    ...{ round: 1, bytesUp: 1, bytesDown: 1, seconds: 1, received: 1, refused: 0, tries: 1 },
    metrics: { [MARKUP]: 0.5 },
  }],
  final: { samples: 2, classes: [MARKUP, "b"], confusion: [[1, 0], [0, 1]] },
};

testInBrowser(
  "the dashboard's page shows a run as it goes on, and runs of before",
  (browser) =>
    inFolder(async (folder) => {
      const options = ["--model", "lr", "--workers", "1", "--clients", "4", "--data", "digits"];
      const first = startCommand(
        "simulate",
        [...options, "--rounds", "3", "--out", "runs/before"],
        folder,
      );
      assertEquals((await first.outcome).code, 0);
      for (const [name, text] of [["hostile", JSON.stringify(HOSTILE)], ["torn", '{"schema":']]) {
        await Deno.mkdir(`${folder}/runs/${name}`);
        await Deno.writeTextFile(`${folder}/runs/${name}/report.json`, text ?? "");
      }
      const run = startCommand("simulate", [
        ...[...options, "--rounds", "100000", "--evaluate", "both", "--hold-out", "0.2"],
        ...["--fraction", "1", "--out", "runs/now"],
        ...["--dashboard", "127.0.0.1:0", "--dashboard-control"],
      ], folder);
      try {
        const [, url = ""] = await run.said(/Dashboard: (http\S+)/);
        const page = await browser.newPage();
        page.setDefaultTimeout(120_000);
        const faults: string[] = [];
        page.on("pageerror", (error) => faults.push(`${error}`));
        page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
        page.on("dialog", (dialog) => void dialog.accept());
        for (const [width, scheme] of [[1280, "light"], [390, "dark"]] as const) {
          await page.setViewport({ width, height: 900 });
          await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
          await page.goto(url);
          await said(page, /^Round \d+ of 100000.*accuracy/);
          await page.waitForSelector("canvas");
          assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
          const rows = 'section[aria-labelledby="clients"] tbody tr';
          assertEquals(await page.$$eval(rows, (rows) => rows.length), 4);
          assertEquals(await seriousFaults(page), [], `${width} ${scheme}`);
        }
        // It goes on.
        const [, round] = await said(page, /Round (\d+)/);
        const isLater =
          `Number(/Round (\\d+)/.exec(document.querySelector(".state").textContent)?.[1])`;
        await page.waitForFunction(`${isLater} > ${round}`);
        // The run of before, by the keyboard.
        await page.focus('a[href="#before"]');
        await page.keyboard.press("Enter");
        await said(page, /^Finished after 3 rounds with fedavg/);
        assertEquals(await page.$$eval(".confusion tbody tr", (rows) => rows.length), 10);
        assertEquals(await seriousFaults(page), []);
        // Markup is text, and a run that cannot be read is named.
        await page.goto(`${url}#hostile`);
        await said(page, /^Finished after 1 rounds/);
        const shown = await page.$eval("main", ({ textContent }) => textContent ?? "");
        assertEquals(shown.split(MARKUP).length - 1 >= 3, true, shown);
        assertEquals(await page.$$("main img, main b"), []);
        await page.goto(`${url}#torn`);
        await said(page, /^Cannot read the run/);
        assertEquals(await seriousFaults(page), []);
        await page.goto(`${url}#now`);
        await page.waitForSelector("button.danger");
        await page.click("button.danger");
        const { code, stderr } = await run.outcome;
        assertEquals(code, 1);
        assertMatch(stderr, /stopped from the dashboard/);
        await said(page, /^Stopped after \d+ rounds: stopped from the dashboard/);
        await page.waitForSelector(".gone");
        assertEquals(faults.filter((fault) => !/ERR_CONNECTION|ERR_INCOMPLETE/.test(fault)), []);
        assert((await Deno.stat(`${folder}/runs/now/model.safetensors`)).isFile);
      } finally {
        run.kill();
        await run.outcome;
      }
    }),
);
