import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import axe from "npm:axe-core@4.10.3";
import type { Page } from "npm:puppeteer-core@25.16.0";
import type { FederationPlan } from "../../../src/world/federation/plan.ts";

import { during, together } from "../../../src/world/faults/schedule.ts";
import type { Picture } from "../../../src/world/watch/picture.ts";
import { testInBrowser } from "../../helpers/chromium.ts";
import { inFolder } from "../../helpers/command.ts";
import { SMALL_PLAN } from "../small_plan.ts";
import { pictureOf } from "./picture_of.ts";
import { writePage } from "./write_page.ts";

async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate("axe.run()") as axe.AxeResults;
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

/** Picture of a run in which a client is killed and the server cut off for a while. */
async function pictureWithFaults(): Promise<Picture> {
  const plan: FederationPlan = {
    ...SMALL_PLAN,
    ...{ clients: 8, minClients: 8, rounds: 8, evaluates: "clients", trainSeconds: [5, 20] },
  };
  const schedule = together(
    during(20, 0, { kind: "kill", machine: "client-3" }),
    during(40, 60, { kind: "link", from: "server", change: { isCut: true } }),
  );
  const { outcome, picture } = await pictureOf({ seed: 2, mode: "liveness", plan, schedule });
  assertEquals(outcome.violations, []);
  return picture;
}

Deno.test("a picture has the messages of a run, with the times of both ends", async () => {
  const { rows, lanes } = await pictureWithFaults();
  assertEquals(rows.map(({ at }) => at), rows.map(({ at }) => at).toSorted((a, b) => a - b));
  const messages = rows.filter((row) => row.type === "message");
  const joins = messages.filter(({ name }) => name === "Registration");
  assertEquals(new Set(joins.map(({ from }) => from)).size, lanes.length - 1);
  for (const { at, arrived, from, to } of messages) {
    assert(from !== to && from >= 0 && to >= 0);
    assert(arrived === undefined || arrived > at);
  }
  // What was sent over the link that was cut arrives when it is back, or never.
  const late = messages.filter(({ at, arrived = Infinity }) => at > 40 && arrived - at > 10);
  assert(late.length > 0);
  const texts = rows.flatMap((row) => row.type === "message" ? [] : [row.text]);
  for (const text of ["ends by kill", "round 1 begins with ranks", "the run is over"]) {
    assert(texts.some((line) => line.includes(text)), text);
  }
});

testInBrowser(
  "the page of a run shows its messages, rounds and faults, and is used by the keyboard",
  (browser) =>
    inFolder(async (folder) => {
      const picture = await pictureWithFaults(), markup = "<img src=x onerror=alert(1)></script>";
      await writePage(`${folder}/run.html`, {
        ...picture,
        violations: [markup],
        facts: [...picture.facts, ["markup", markup]],
      });
      const page = await browser.newPage();
      page.setDefaultTimeout(60_000);
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(`${error}`));
      page.on("dialog", (dialog) => void dialog.accept().then(() => faults.push("dialog")));
      const shown = () => page.$eval("nav .soft", ({ textContent }) => textContent ?? "");
      for (const [width, scheme] of [[1280, "light"], [390, "dark"]] as const) {
        await page.setViewport({ width, height: 900 });
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
        await page.goto(`file://${folder}/run.html`);
        await page.waitForSelector("svg .arrow");
        assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width);
        assertEquals(await page.$$eval("tbody tr", ({ length }) => length), 40);
        assertEquals(await seriousFaults(page), [], `${width} ${scheme}`);
        assertMatch(await shown(), /^rows 1 to 40 of \d+$/);
      }
      // The next page, by the keyboard; the address names it.
      await page.focus("nav button:nth-of-type(3)");
      await page.keyboard.press("Enter");
      await page.waitForFunction(
        `/^rows 41 /.test(document.querySelector("nav .soft").textContent)`,
      );
      assertMatch(page.url(), /#t=\d/);
      await page.focus('nav input[type="range"]');
      await page.keyboard.press("Home");
      await page.waitForFunction(
        `/^rows 1 /.test(document.querySelector("nav .soft").textContent)`,
      );
      // A fault, its line, and the end of the process that it has killed.
      const fault = await page.$$eval("label.pick", (labels) => {
        const select = labels.find(({ textContent }) => textContent?.startsWith("Fault"))
          ?.querySelector("select");
        const option = select?.options[1];
        if (select == null || option === undefined) return "none";
        select.value = option.value;
        select.dispatchEvent(new Event("change", { bubbles: true }));
        return option.textContent;
      });
      assertMatch(fault ?? "", /^20\.0 s: kill/);
      await page.waitForSelector("svg line.fault");
      await page.waitForSelector("svg path.down");
      assert(await page.$("svg .band") !== null);
      const text = await page.$eval("tbody", ({ textContent }) => textContent ?? "");
      assertMatch(text, /client-3 ends by kill/);
      // One machine leaves two lanes.
      await page.select("label.pick select", "3");
      await page.waitForFunction(`document.querySelectorAll("thead .lanes span").length === 2`);
      assertEquals(await seriousFaults(page), []);
      // Markup is text.
      assertEquals(await page.$$("main img"), []);
      assert((await page.$eval("main", ({ textContent }) => textContent ?? "")).includes(markup));
      assertEquals(faults, []);
    }),
);
