import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "jsr:@std/assert@1.0.19";
import type { Browser, Page } from "npm:puppeteer-core@25.16.0";
import { testInBrowser } from "../helpers/chromium.ts";
import { lockedPage, PAGE_HEADERS } from "../../examples/deploy/page.ts";
import { mayRead } from "../../examples/deploy/readers.ts";
import * as fedlab from "../../mod.ts";
import {
  buildPage,
  CLIENTS,
  deno,
  ExampleServer,
  open,
  ROUNDS,
  runDenoClient,
  textOf,
  untilText,
} from "../helpers/browser_example.ts";
import { wardModel, wardProbabilities } from "../helpers/trained.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROOT = `${import.meta.dirname}/../..`;

/** Places on a circle, as shares of the pad. */
const ZERO = Array.from({ length: 17 }, (_, i) => {
  const angle = i / 16 * 2 * Math.PI;
  return [0.5 + 0.2 * Math.sin(angle), 0.5 - 0.32 * Math.cos(angle)] as const;
});

async function placesOnPad(page: Page): Promise<(readonly [number, number])[]> {
  await page.evaluate(`document.getElementById("pad").scrollIntoView({ block: "center" })`);
  const box = await (await page.$("#pad"))?.boundingBox();
  assert(box);
  return ZERO.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height]);
}

async function drawWithMouse(page: Page): Promise<void> {
  const [first = [0, 0] as const, ...others] = await placesOnPad(page);
  await page.mouse.move(...first);
  await page.mouse.down();
  for (const place of others) await page.mouse.move(...place);
  await page.mouse.up();
}

async function drawWithFinger(page: Page): Promise<void> {
  const [first = [0, 0] as const, ...others] = await placesOnPad(page);
  await page.touchscreen.touchStart(...first);
  for (const place of others) await page.touchscreen.touchMove(...place);
  await page.touchscreen.touchEnd();
}

/** Two squares wide from top to bottom in the middle, with the keyboard alone. */
async function drawOneWithKeys(page: Page): Promise<void> {
  await page.focus("#cells button[tabindex='0']");
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowUp");
  }
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
  for (let row = 0; row < 8; row++) {
    await page.keyboard.press("Space");
    await page.keyboard.press(row % 2 === 0 ? "ArrowRight" : "ArrowLeft");
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowDown");
  }
}

Deno.test("the page's bundle leaves out TensorFlow.js, which its worker does not use", async () => {
  await buildPage();
  const text = await Deno.readTextFile(`${ROOT}/examples/browser/dist/client.js`);
  assert(!/webgl/i.test(text), `${text.length} bytes`);
});

/** Files of a run's folder. */
async function modelFiles(): Promise<Map<string, Uint8Array<ArrayBuffer> | string>> {
  const { model, schema, manifest, parameters } = await wardModel();
  const path = await Deno.makeTempFile();
  await fedlab.writeSafetensors(path, { manifest, parameters });
  const weights = await Deno.readFile(path);
  await Deno.remove(path);
  return new Map<string, Uint8Array<ArrayBuffer> | string>([
    ["/run/model.safetensors", weights],
    ["/run/model.json", JSON.stringify(model)],
    ["/run/schema.json", JSON.stringify(schema)],
  ]);
}

testInBrowser(
  "mod.ts is bundled whole, loads in a browser, logs to its console and predicts",
  async (browser) => {
    const bundle = (module: string) => deno("bundle", "--quiet", "--platform=browser", module);
    const modules = new Map([
      ["/mod.js", await bundle("mod.ts")],
      ["/predict.js", await bundle("src/predict/mod.ts")],
    ]);
    const files = await modelFiles();
    const web = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
      const { pathname } = new URL(url);
      const file = files.get(pathname);
      if (file) return new Response(file);
      const module = modules.get(pathname);
      const type = module === undefined ? "text/html" : "text/javascript";
      return new Response(module ?? "<!doctype html>", { headers: { "content-type": type } });
    });
    await using _closing = { [Symbol.asyncDispose]: () => web.shutdown() };
    const page = await browser.newPage();
    const lines: string[] = [];
    page.on("console", (message) => lines.push(message.text()));
    await page.goto(`http://127.0.0.1:${web.addr.port}/`);
    const found = await page.evaluate(`import("/mod.js").then((fedlab) => {
    const log = fedlab.openLog({ loggerName: "page", loggerFile: "pageLog" });
    log.logger.info("ready", { rank: 1 });
    return { names: Object.keys(fedlab), file: typeof log.file, buffer: typeof Buffer };
  })`) as { names: string[]; file: string; buffer: string };
    const patient = { sex: "m", age: 63, chol: 233 };
    const said = await page.evaluate(`import("/predict.js").then(async ({ Predictor }) => {
    const predictor = await Predictor.load(new URL("/run", location.href));
    return (await predictor.predict([${JSON.stringify(patient)}])).at(0);
  })`) as { class: string; probabilities: Record<string, number> };
    const [no, yes] = wardProbabilities(63, 233, "m");
    assertEquals(said.class, yes > no ? "yes" : "no");
    assertAlmostEquals(said.probabilities.yes ?? NaN, yes, 1e-6);
    assertEquals(found.names.sort(), Object.keys(fedlab).sort());
    assertEquals([found.file, found.buffer], ["undefined", "undefined"]);
    assertMatch(lines.find((line) => line.includes("ready")) ?? "", /^2\S+Z page INFO ready/);
  },
);

testInBrowser(
  "two pages and a Deno client train the model that three Deno clients do",
  async (browser) => {
    await buildPage();
    await using server = await ExampleServer.start();
    const invitation = await server.said(/http.+part=3\/3\n/);
    const [, host = ""] = /http:\/\/(.+?)\//.exec(invitation) ?? [];
    const address = `ws://${host}/federation`;
    const faults: string[] = [];
    const urlOf = (part: number) => `http://${host}/?part=${part}/${CLIENTS}`;
    const [wide, narrow] = await Promise.all([
      open(browser, urlOf(1), { faults, width: 1280, hasTouch: false }),
      open(browser, urlOf(2), { faults, width: 390, hasTouch: true }),
      runDenoClient(address, 3),
    ]);
    const mixed = await server.said(/model [0-9a-f]{64}/);
    const accuracies = Array.from(mixed.matchAll(/accuracy (.+)%/g), ([, text]) => Number(text));
    assertEquals(accuracies.length, ROUNDS);
    assert((accuracies.at(-1) ?? 0) > 80 && (accuracies[0] ?? 100) < 60, String(accuracies));

    for (const [page, rank] of [[wide, 1], [narrow, 2]] as const) {
      await untilText(page, "#status", /^The run is over/);
      const said = await page.evaluate("said") as string[];
      assertEquals(said.slice(-3, -1), [
        `Joined as client ${rank} of ${CLIENTS}. Training begins when all are here.`,
        "Training together.",
      ]);
      assertEquals(await textOf(page, "#round"), `${ROUNDS} of ${ROUNDS}`);
      assertEquals(await textOf(page, "#accuracy"), `${accuracies.at(-1)?.toFixed(1)}%`);
      const line = await page.evaluate(
        `document.querySelector("polyline.global").getAttribute("points")`,
      ) as string;
      assertEquals(line.split(" ").length, ROUNDS);
      assertMatch(await textOf(page, "#labels"), /^The digits here: only \d, \d, \d, \d, \d\./);
    }

    await wide.bringToFront();
    await drawWithMouse(wide);
    await untilText(wide, "#reading", /^This looks like a 0\.$/);
    assertMatch(await textOf(wide, "#classes .best"), /^0\d+%$/);
    await narrow.bringToFront();
    await drawWithFinger(narrow);
    await untilText(narrow, "#reading", /^This looks like a 0\.$/);
    await narrow.click("#clear");
    await drawOneWithKeys(narrow);
    await untilText(narrow, "#reading", /^This looks like a 1\.$/);
    assertEquals(await narrow.evaluate("document.documentElement.scrollWidth"), 390);
    assertEquals(faults, []);

    // The server has begun anew.
    await Promise.all([1, 2, 3].map((part) => runDenoClient(address, part)));
    const [digest] = mixed.match(/model .+$/) ?? [];
    assertStringIncludes(await server.said(/model [0-9a-f]{64}/), digest ?? "a digest");
  },
);

/** Trains two rounds with a page and two clients of Deno, then with three clients of Deno. */
async function assertSameModel(
  browser: Browser,
  codecs: readonly string[],
): Promise<string> {
  await buildPage();
  await using server = await ExampleServer.start(2, ...codecs);
  const [, host = ""] = /http:\/\/(.+?)\//.exec(await server.said(/http.+part=3\/3\n/)) ?? [];
  const address = `ws://${host}/federation`, faults: string[] = [];
  const options = { faults, width: 1280, hasTouch: false };
  const [page] = await Promise.all([
    open(browser, `http://${host}/?part=1/${CLIENTS}`, options),
    runDenoClient(address, 2),
    runDenoClient(address, 3),
  ]);
  const said = await server.said(/model [0-9a-f]{64}/);
  const [mixed = "a digest"] = said.match(/model .+$/) ?? [];
  await untilText(page, "#status", /^The run is over/);
  assertEquals(faults, []);
  await Promise.all([1, 2, 3].map((part) => runDenoClient(address, part)));
  assertStringIncludes(await server.said(/model [0-9a-f]{64}/), mixed);
  return said;
}

testInBrowser("a page with codecs trains the model that Deno clients do", async (browser) => {
  await assertSameModel(browser, ["eden:bits=1", "int8"]);
});

testInBrowser(
  "a page masks its updates, and trains the model that Deno clients do",
  async (browser) => {
    const said = await assertSameModel(browser, ["secure"]);
    assertStringIncludes(said, "round 2: the sum of 3 updates");
  },
);

Deno.test("serve.ts listens on no address that others reach", async () => {
  for (const address of ["0.0.0.0:0", "192.0.2.1:9000", "127.0.0.1.example.org:9000", "[::]:0"]) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", `${ROOT}/examples/browser/serve.ts`, address],
    }).output();
    assertEquals(code, 2);
    assertMatch(new TextDecoder().decode(stderr), /^Cannot listen on .*: expected an address of/);
  }
});

testInBrowser(
  "lockedPage() shows a run to who types the token, and to nobody else",
  async (browser) => {
    const token = "a token of some length";
    const status = { state: "finished", round: 3, error: "<b>bold</b>" };
    const paths: string[] = [];
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/") return new Response(lockedPage(), { headers: PAGE_HEADERS });
        const isReader = await mayRead(request, token);
        paths.push(`${pathname} ${isReader}`);
        return isReader ? Response.json(status) : new Response("no\n", { status: 401 });
      },
    );
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.addr.port}/`);
    await page.type("input", "another token");
    await page.click("form button");
    await untilText(page, "#said", /That is not the token/);
    assertEquals(await textOf(page, "table"), "");
    await page.evaluate(`document.querySelector("input").value = ""`);
    await page.type("input", token);
    await page.click("form button");
    await untilText(page, "table", /finished/);
    assertEquals(await textOf(page, "table"), "statefinishedround3error<b>bold</b>");
    assertEquals(await textOf(page, "#file"), "The model");
    assertEquals(paths.slice(0, 2), ["/status false", "/status true"]);
    await page.close();
  },
);
