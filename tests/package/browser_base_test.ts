/** Bases and tokenizers in Chromium. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "npm:puppeteer-core@25.16.0";
import { stop, transform } from "../../examples/browser/deps.ts";
import { sha256Hex } from "../../src/base/hash.ts";
import { readLabelledTexts } from "../../src/data/text/labelled_texts.ts";
import { testInBrowser } from "../helpers/chromium.ts";
import { serveFiles } from "../helpers/file_server.ts";
import { hasMinilm, MINILM } from "../helpers/minilm.ts";
import { writeSafetensors } from "../../src/store/safetensors/safetensors.ts";
import { Manifest } from "../../src/params/manifest.ts";

const ROOT = `${import.meta.dirname}/../..`;
const DATA = Deno.env.get("FEDLAB_DATA") ?? `${ROOT}/../shared/data`;
const BREAK = 200_000;

/** Bundles the page's module, as the example of a federation in web pages is. */
async function bundle(): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform=browser"]
      .concat(`${ROOT}/tests/fixtures/browser/base_page.ts`),
    stderr: "inherit",
  }).output();
  assert(success);
  const banner = `for (const name of ["dispose", "asyncDispose"]) Symbol[name] ?? ` +
    `Object.defineProperty(Symbol, name, { value: Symbol.for("Symbol." + name) });`;
  try {
    const text = new TextDecoder().decode(stdout);
    return (await transform(`${banner}\n${text}`, { target: "es2022", format: "esm" })).code;
  } finally {
    await stop();
  }
}

/** A file of one tensor, and the digest of its values. */
async function makeBase(): Promise<{ content: Uint8Array<ArrayBuffer>; values: string }> {
  const parameters = Float32Array.from({ length: 300_000 }, (_, i) => Math.sin(i * i));
  const path = await Deno.makeTempFile({ suffix: ".safetensors" });
  const manifest = Manifest.of([{ name: "dense.weight", shape: [300, 1000] }]);
  await writeSafetensors(path, { manifest, parameters });
  const content = await Deno.readFile(path);
  await Deno.remove(path);
  return { content, values: await sha256Hex(parameters) };
}

testInBrowser(
  "a page fetches a base once, goes on with a download that breaks off, and checks its digest",
  async (browser) => {
    const { content, values } = await makeBase();
    const sha256 = await sha256Hex(content), code = await bundle();
    const html = `<!DOCTYPE html><script type="module" src="page.js"></script>`;
    let page: Page | undefined;
    const asked = () => server.requests.filter(({ path }) => path === "model");
    await using server = serveFiles({
      files: { model: content },
      cutAfter: () => asked().length === 1 ? BREAK : undefined,
      beforeCut: () => page?.waitForFunction(`page.bytes === ${BREAK}`) ?? Promise.resolve(),
      intercept(request) {
        const { pathname } = new URL(request.url);
        if (pathname === "/page.js") {
          return new Response(code, { headers: { "content-type": "text/javascript" } });
        }
        if (pathname === "/model") return undefined;
        return new Response(html, { headers: { "content-type": "text/html" } });
      },
    });
    const options = { url: `${server.url}model`, sha256, bytes: content.length, retrySeconds: 0 };
    const open = async (more = {}) => {
      page = await browser.newPage();
      await page.goto(server.url);
      await page.waitForFunction("globalThis.page !== undefined");
      const args = JSON.stringify([{ ...options, ...more }, "dense.weight"]);
      const result = await page.evaluate(`globalThis.page.digestOfTensor(...${args})`);
      await page.close();
      return `${result}`;
    };
    assertEquals(await open(), values);
    assertEquals(asked().length, 2);
    assertEquals(asked()[1]?.range, `bytes=${BREAK}-`);
    // Another page of the same origin.
    assertEquals(await open(), values);
    assertEquals(asked().length, 2);
    const wrong = await open({ sha256: "1".repeat(64), tries: 1 });
    assertStringIncludes(wrong, `expected the SHA-256 ${"1".repeat(64)}, got ${sha256}`);
  },
);

const hasTexts = await Deno.stat(`${DATA}/banking77`).then(() => true, () => false);
if (await hasMinilm("tokens in Chromium") && hasTexts) {
  testInBrowser("tokens of BANKING77 in a page are those of Python", async (browser) => {
    const code = await bundle();
    const tokenizer = await Deno.readFile(`${MINILM}/tokenizer.json`);
    const html = `<!DOCTYPE html><script type="module" src="page.js"></script>`;
    await using server = serveFiles({
      files: { tokenizer },
      intercept({ url }) {
        const { pathname } = new URL(url);
        if (pathname === "/tokenizer") return undefined;
        const isCode = pathname === "/page.js";
        const type = isCode ? "text/javascript" : "text/html";
        return new Response(isCode ? code : html, { headers: { "content-type": type } });
      },
    });
    const { texts } = await readLabelledTexts(`${DATA}/banking77/test.csv`);
    const page = await browser.newPage();
    await page.goto(server.url);
    await page.waitForFunction("globalThis.page !== undefined");
    const args = JSON.stringify([`${server.url}tokenizer`, texts]);
    assertEquals(
      await page.evaluate(`globalThis.page.digestOfTokens(...${args})`),
      "e023a29c10d89b5744ae3905f2025cf81317098e3c272d27ead100f1c9421c68",
    );
    await page.close();
  });
}
