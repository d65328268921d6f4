/** Banks of examples/intents in pages, with one that is a program. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import { readQuestions } from "../../examples/intents/bank.ts";
import { divideQuestions } from "../../examples/intents/questions.ts";
import type { Facts } from "../../examples/intents/facts.ts";
import { TextTokenizer } from "../../src/data/text/tokenizer.ts";
import { EncoderBase } from "../../src/encoder/encoder_base.ts";
import { open, textOf, untilText } from "../helpers/browser_example.ts";
import { testInBrowser } from "../helpers/chromium.ts";
import { inFolder } from "../helpers/command.ts";
import { smallTokenizer } from "../helpers/encoder/small_tokenizer.ts";
import { freePort } from "../helpers/free_port.ts";
import {
  buildPages,
  foldersIn,
  startBanks,
  startServer,
  writeSmallData,
} from "../helpers/intents_pages.ts";

const BANKS = 3, HEAD_ROUNDS = 8, ADAPTER_ROUNDS = 2, QUESTIONS = 90;
const SIZES = [BANKS, HEAD_ROUNDS, ADAPTER_ROUNDS, QUESTIONS];
const ROUNDS = HEAD_ROUNDS + ADAPTER_ROUNDS;

// Takes some seconds: two pages are bundled, and seven programs start.
testInBrowser(
  "two pages and a program train the head and the adapters that three programs do, and answer",
  (browser) =>
    inFolder(async (folder) => {
      const env = await writeSmallData(folder), dist = `${folder}/dist`;
      const places = { dist, folder, env };
      await buildPages(dist, env);
      const { server, address } = await startServer(SIZES, places);
      const faults: string[] = [];
      const openBank = (part: number, width: number, into = faults) =>
        open(browser, `http://${address}/?part=${part}/${BANKS}`, {
          ...{ faults: into, width, hasTouch: width < 400 },
        });
      const wide = await openBank(1, 1280);
      await wide.type("#question", "card where is my");
      await untilText(wide, "#reading", /^There is no model yet/);
      const outside = await openBank(4, 390, []);
      await untilText(
        outside,
        "#status",
        /^Cannot fetch .*train\.csv.*: expected a part from 1\/3/,
      );
      const chooser = await outside.$("input[type=file]");
      await Deno.writeTextFile(`${folder}/own.csv`, `text,intent\n${"my card,lost\n".repeat(5)}`);
      await chooser?.uploadFile(`${folder}/own.csv`);
      await outside.tap("#enter");
      await untilText(outside, "#status", /^Cannot .*: expected one of 3 labels .*"lost"$/);
      await outside.close();
      const narrow = await openBank(2, 390);
      const bank = startBanks(address, "3/3", places);
      await untilText(wide, "#intents", /card arrival/);
      const { code, stdout, stderr } = await server.outcome;
      assertEquals(code, 0, stderr);
      assertEquals((await bank.outcome).code, 0);
      const accuracies = Array.from(stdout.matchAll(/accuracy (.+)%/g), ([, text]) => Number(text));
      assertEquals(accuracies.length, ROUNDS);
      assert((accuracies.at(-1) ?? 0) > 80, `${accuracies}`);

      for (const page of [wide, narrow]) {
        await untilText(page, "#status", /^The run is over/);
        assertEquals(await textOf(page, "#round"), `${ROUNDS} of ${ROUNDS}`);
        assertMatch(
          await textOf(page, "#intents-here"),
          /^The questions here have \d of 3 intents/,
        );
        const line = await page.evaluate(
          `document.querySelector("polyline.global").getAttribute("points")`,
        );
        assertEquals(`${line}`.split(" ").length, ROUNDS);
      }
      const said = await wide.evaluate("said") as string[];
      const stages = said.filter((text) => text.startsWith("Training the"));
      assertEquals([...new Set(stages)], [
        "Training the head together.",
        "Training the adapters together.",
      ]);
      assertMatch(await textOf(wide, "#intents li"), /^card arrival[\d.]+%$/);
      await narrow.bringToFront();
      await narrow.type("#question", "the rate 🦕 wrong please");
      await untilText(narrow, "#note", /^The encoder does not know 1 of its tokens\.$/);
      assertMatch(await textOf(narrow, "#intents li"), /^exchange rate[\d.]+%$/);
      await narrow.type("#question", " help".repeat(20));
      await untilText(
        narrow,
        "#note",
        /^The question is too long: its last 11 tokens are not read\./,
      );
      assertEquals(await narrow.evaluate("document.documentElement.scrollWidth"), 390);
      // Between the runs, pages try until the next one begins.
      assertEquals(faults.filter((fault) => !/WebSocket connection .* failed/.test(fault)), []);

      const alone = await startServer(SIZES, places);
      const banks = startBanks(alone.address, "1-3/3", places);
      const again = await alone.server.outcome;
      assertEquals((await banks.outcome).code, 0);
      const digests = (text: string) => text.match(/^(head|adapters): model [0-9a-f]{64}$/mg);
      assertEquals(digests(again.stdout)?.length, 2);
      assertEquals(digests(again.stdout), digests(stdout));
    }),
);

Deno.test("client.ts of the banks refuses arguments, and tells of no server, in one line", () =>
  inFolder(async (folder) => {
    const places = { folder, env: await foldersIn(folder) };
    const refused = await Promise.all(
      ["3", "0/3", "4/3"].map((parts) => startBanks("127.0.0.1:9", parts, places).outcome),
    );
    for (const { code, stderr } of refused) {
      assertEquals(code, 2);
      assertMatch(stderr, /^Usage: client\.ts HOST:PORT [^\n]+\n$/);
    }
    const { code, stderr } = await startBanks(`127.0.0.1:${freePort()}`, "1/3", places).outcome;
    assertEquals(code, 1);
    assertMatch(stderr, /^Cannot fetch http:\/\/127\.0\.0\.1:\d+\/facts\.json: [^\n]+\n$/);
  }));

Deno.test("readQuestions() has each fifth question to test on, and counts what is lost", async () => {
  const tokenizer = await TextTokenizer.open(smallTokenizer({}, ["my", "card"]), { maxTokens: 4 });
  using base = EncoderBase.at({ path: "unread" });
  const facts = { classes: ["arrival", "rate"] } as unknown as Facts;
  const read = (rows: string) =>
    readQuestions(new TextEncoder().encode(`text,intent\n${rows}`), "own.csv", {
      ...{ base, tokenizer, facts },
    });
  const { train, test, notes } = read(
    `my card,rate\n"",rate\nmy card my,rate\n${"a card,arrival\nmy,rate\n".repeat(4)}`,
  );
  assertEquals([...train.labels], [1, 1, 1, 0, 0, 1, 0, 1, 1]);
  assertEquals([...test.labels], [1, 0]);
  assertEquals(notes, [
    "Questions that are cut to 4 tokens: 1.",
    "Empty questions: 1.",
    "Tokens that the encoder does not know: 4.",
  ]);
  assertThrows(() => read("my,rate\n"), RangeError, "at least 5 questions, got 1");
  assertThrows(() => read("my,rate\n".repeat(4) + "my,lost\n"), RangeError, `got "lost"`);
});

Deno.test("divideQuestions() gives each bank some, or says which has none", async () => {
  await inFolder(async (folder) => {
    const rows = Array.from({ length: 60 }, (_, i) => `"say ""${i}""",${i % 2 ? "yes" : "no"}\n`);
    for (const name of ["train.csv", "test.csv"]) {
      await Deno.writeTextFile(`${folder}/${name}`, `text,category\n${rows.join("")}`);
    }
    const { classes, table } = await divideQuestions(folder, 3, 60);
    assertEquals(classes, ["no", "yes"]);
    const parts = [1, 2, 3].map((bank) => table("train", bank)?.trim().split("\n").slice(1) ?? []);
    assertEquals(
      parts.flat().sort(),
      rows.map((row) => row.trim().replace(/,(.+)$/, ',"$1"')).sort(),
    );
    assertEquals(table("test", 1)?.split("\n")[1], '"say ""0""","no"');
    assertEquals([table("train", 0), table("test", 4)], [undefined, undefined]);
    await assertRejects(() => divideQuestions(folder, 3, 6), RangeError, "bank 3 has none");
  });
});
