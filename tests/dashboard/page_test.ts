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
        await page.goto(`${url}#now`);
        await page.waitForSelector("button.danger");
        await page.click("button.danger");
        const { code, stderr } = await run.outcome;
        assertEquals(code, 1);
        assertMatch(stderr, /stopped from the dashboard/);
        await page.waitForSelector(".gone");
        assertEquals(faults.filter((fault) => !/ERR_CONNECTION|ERR_INCOMPLETE/.test(fault)), []);
        assert((await Deno.stat(`${folder}/runs/now/model.safetensors`)).isFile);
      } finally {
        run.kill();
        await run.outcome;
      }
    }),
);
