import { assert, assertEquals, assertMatch, assertThrows } from "jsr:@std/assert@1.0.19";
import axe from "npm:axe-core@4.10.3";
import type { Page } from "npm:puppeteer-core@25.16.0";
import { deadLinks } from "../../docs/site/links.ts";
import { renderMarkdown } from "../../docs/site/markdown.ts";
import { testInBrowser } from "../helpers/chromium.ts";
import { inFolder } from "../helpers/command.ts";
import { serveFiles } from "../helpers/static_files.ts";

const ROOT = new URL("../../", import.meta.url);

/** Builds the site without the API, which another tool writes. */
async function build(folder: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--frozen",
      "--no-check",
      "docs/site/build.ts",
      "--no-api",
      "--out",
      folder,
    ],
    cwd: ROOT,
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("renderMarkdown() gives headings the anchors of GitHub, and escapes code", () => {
  const { html, sections } = renderMarkdown(
    "# A `b`\n\n## Same\n\ntext & more\n\n## Same\n\n```ts ignore\n<b>\n```\n\n[x](y.md#z) [docs/DATA.md](DATA.md)\n",
    (href) => href.replace(".md", ".html"),
  );
  assertEquals(sections.map(({ id }) => id), ["a-b", "same", "same-1"]);
  assertEquals(sections[1]?.text.trim(), "text & more");
  assertMatch(html, /<pre tabindex="0" data-language="ts"><code>&lt;b&gt;<\/code><\/pre>/);
  assertMatch(html, /<a href="y\.html#z">x<\/a> <a href="DATA\.html">Data<\/a>/);
});

Deno.test("renderMarkdown() draws diagrams as pictures that load nothing", () => {
  const diagram = "```mermaid\nflowchart TD\n  cli --> server\n```\n";
  const { html } = renderMarkdown(diagram, (href) => href);
  assertMatch(html, /^<div class="diagram" tabindex="0"><svg role="img"/);
  assertMatch(html, />cli<[^]*>server</);
  assert(!/https?:\/\/(?!www\.w3\.org)|@import|<script/.test(html), html);
  const broken = "```mermaid\nno diagram\n```\n";
  assertThrows(() => renderMarkdown(broken, (href) => href), Error, "Cannot draw the diagram");
});

Deno.test("deadLinks() names files and anchors that are not there", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/site/sub`, { recursive: true });
    const links = ["sub/b.html#there", "sub/b.html#gone", "c.html", "#no", "https://else.where/x"];
    const html = links.map((href) => `<a href="${href}">x</a>`).join("");
    await Deno.writeTextFile(`${folder}/site/index.html`, html);
    await Deno.writeTextFile(`${folder}/site/sub/b.html`, '<p id="there"></p><a href="../">x</a>');
    assertEquals(await deadLinks(new URL(`file://${folder}/site/`)), [
      "index.html: sub/b.html#gone leads to no anchor",
      "index.html: c.html leads to no file",
      "index.html: #no leads to no anchor",
    ]);
  }));

Deno.test("the build refuses a folder of something else, and leaves it as it is", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/thesis.txt`, "mine");
    const { code, stderr } = await build(folder);
    assertEquals(code, 1);
    assertMatch(stderr, /^Cannot build the site: expected an empty folder/);
    assertEquals(await Deno.readTextFile(`${folder}/thesis.txt`), "mine");
  }));

/** Runs the checks of accessibility in the page, and names what is serious. */
async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate("axe.run()") as axe.AxeResults;
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

testInBrowser(
  "the site has no dead link, is found through, and trains a federation in the tab",
  (browser) =>
    inFolder(async (folder) => {
      const { code, stdout, stderr } = await build(`${folder}/site`);
      assertEquals([code, stderr], [0, ""]);
      assertMatch(stdout, /^Wrote \d+ pages/);
      assertEquals(await deadLinks(new URL(`file://${folder}/site/`)), []);
      await using server = serveFiles(`${folder}/site`);
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(`${error}`));
      page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
      for (const [width, scheme] of [[1280, "light"], [390, "dark"]] as const) {
        await page.setViewport({ width, height: 900 });
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
        for (
          const path of [
            ...["index.html", "docs/notebook.html", "docs/architecture.html"],
            "examples/index.html",
          ]
        ) {
          await page.goto(`${server.url}/${path}`);
          assertEquals(await page.evaluate("document.documentElement.scrollWidth"), width, path);
          assertEquals(await seriousFaults(page), [], `${path} ${width} ${scheme}`);
        }
      }
      await page.goto(`${server.url}/docs/architecture.html`);
      const [font, fontOfPage, fill] = await page.evaluate(
        `((text, body) => [text.fontFamily, body.fontFamily, text.fill])(
          getComputedStyle(document.querySelector(".diagram text")),
          getComputedStyle(document.body),
        )`,
      ) as string[];
      assertEquals(font, fontOfPage);
      assertEquals(fill, "rgb(236, 238, 240)");
      // Without a script the pages are there, and say what needs one.
      await page.setJavaScriptEnabled(false);
      await page.goto(`${server.url}/index.html`);
      assertMatch(await page.$eval("noscript", ({ innerHTML }) => innerHTML), /needs JavaScript/);
      assert((await page.$$("nav.pages a")).length > 20);
      await page.setJavaScriptEnabled(true);
      await page.goto(`${server.url}/docs/privacy.html`);
      await page.type("#search", "dirichlet");
      await page.waitForSelector("#found a");
      const found = await page.$$eval("#found a", (links) =>
        links.map((link) => link.getAttribute("href") ?? ""));
      assert(
        found.some((href) =>
          href.startsWith("../docs/partitions.html")
        ),
        found.join(),
      );
      await page.keyboard.press("Enter");
      await page.waitForSelector("h1");
      await page.goto(`${server.url}/index.html`);
      await page.click("#train");
      await page.waitForFunction(
        `/^(Finished|The federation stopped)/.test(document.querySelector("#live-state").textContent)`,
        { timeout: 60_000 },
      );
      const state = await page.$eval("#live-state", ({ textContent }) => textContent ?? "");
      const [, accuracy] = /^Finished after 12 rounds: accuracy ([\d.]+)%/.exec(state) ?? [];
      assert(Number(accuracy) > 80, state);
      // A client may end a moment after the server.
      await page.waitForFunction(
        `document.querySelectorAll('.client[data-state="over"]').length === 3`,
        { timeout: 60_000 },
      );
      assertEquals(faults, []);
    }),
);
