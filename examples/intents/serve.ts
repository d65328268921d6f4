/**
 * Server of banks that are pages: it serves the pages, the encoder and the federation on one port.
 *
 *     deno task build:intents
 *     deno task intents:serve 127.0.0.1:9000
 *
 * Then open the addresses that it prints, each in its own tab; client.ts can be some of the banks.
 * Arguments after the address: number of banks (3), of rounds of the head (20) and of the adapters
 * (10), of questions (900), and the folder of the pages (`dist` beside this file).
 */
import {
  errorMessage,
  initialParameters,
  type ModelDescription,
  type ParameterVector,
  ServerSyncTop,
  SyncParameterServerHandler,
  type TrainSettings,
  websocketMount,
} from "@fedlab/core";
import { writePeft } from "@fedlab/core/encoder";
import { localAddress, readPage } from "../browser/page_server.ts";
import type { EncoderFacts, Facts } from "./facts.ts";
import { serveRest } from "./file_rest.ts";
import { divideQuestions } from "./questions.ts";
import {
  ADAPTER_PLAN,
  adapterModel,
  HEAD_PLAN,
  headModel,
  QUESTIONS,
  warmStart,
} from "./settings.ts";
import { type Stage, STAGES } from "./stages.ts";

/** One day, because users may open the pages at any time. */
const JOIN_SECONDS = 24 * 60 * 60;
const SEED = 1;
const PAGE = ["index.html", "styles.css", "intents.css", "page.js", "bank.js"];

const [address = "127.0.0.1:9000", ...more] = Deno.args;
const [banks = 3, headRounds = 20, adapterRounds = 10, most = 900] = more.slice(0, 4).map(
  countFrom,
);
const { hostname, port } = localAddress(address);
const dist = more[4] ?? `${import.meta.dirname}/dist`;
const site = await readPage(dist, [...PAGE, "tokenizer.json", "encoder.json"], "build:intents");
const encoderFacts: EncoderFacts = await site("/encoder.json")?.json();
const { encoder } = encoderFacts;
const questions = await divideQuestions(QUESTIONS, banks, most).catch((error) => {
  const hint = error instanceof Deno.errors.NotFound ? "; fetch them: deno task intents 1 1" : "";
  console.error(`${errorMessage(error)}${hint}`);
  Deno.exit(1);
});
const { classes } = questions;
const rounds = { head: headRounds, adapters: adapterRounds };
let stage: Stage = "head";

/** Each run has a place of its own: a bank that is done with one waits at the next. */
const mounts = { head: websocketMount(), adapters: websocketMount() };
const web = Deno.serve({ hostname, port, onListen() {} }, async (request, info) => {
  const { pathname, searchParams } = new URL(request.url);
  const asked = STAGES.find((one) => pathname === `/federation/${one}`);
  if (asked) return mounts[asked].handler(request, info);
  switch (pathname) {
    case "/facts.json":
      return Response.json({ ...encoderFacts, classes, rounds, stage } satisfies Facts);
    case "/model.safetensors":
      return await serveRest(`${dist}/model.safetensors`, request);
    case "/train.csv":
    case "/test.csv":
      return serveQuestions(pathname === "/train.csv" ? "train" : "test", searchParams);
  }
  return site(pathname) ?? new Response("Not found\n", { status: 404 });
});

function serveQuestions(use: "train" | "test", query: URLSearchParams): Response {
  const [, part, of] = /^(\d+)\/(\d+)$/.exec(query.get("part") ?? "") ?? [];
  const table = Number(of) === banks ? questions.table(use, Number(part)) : undefined;
  const headers = { "content-type": "text/csv; charset=utf-8" };
  if (table !== undefined) return new Response(table, { headers });
  const reason = `expected a part from 1/${banks} to ${banks}/${banks}`;
  return new Response(`${reason}, got ${query.get("part")}\n`, { status: 404 });
}

console.log("Open each address in its own tab:");
for (let part = 1; part <= banks; part++) {
  console.log(`  http://${hostname}:${web.addr.port}/?part=${part}/${banks}`);
}

try {
  const head = headModel(classes.length, encoder);
  const initial = await initialParameters(head, SEED);
  const trained = await federate(head, initial, HEAD_PLAN);
  stage = "adapters";
  const model = adapterModel(classes.length, encoder);
  const warm = await warmStart(model, trained, SEED);
  const adapted = await federate(model, warm, ADAPTER_PLAN);
  await Deno.mkdir("runs", { recursive: true });
  const folder = await Deno.makeTempDir({ dir: "runs", prefix: "intents-" });
  await writePeft(folder, model, adapted, { classes });
  console.log(`The run is over, model in ${folder}`);
} catch (error) {
  console.error(`The run stopped: ${errorMessage(error)}`);
  Deno.exitCode = 1;
}
await web.shutdown();

/** Trains with all banks in the rounds of the stage, and prints the accuracy after each. */
async function federate(
  model: ModelDescription,
  initial: Awaited<ReturnType<typeof initialParameters>>,
  plan: Partial<TrainSettings>,
): Promise<ParameterVector> {
  const handler = new SyncParameterServerHandler({ ...initial, model, plan, seed: SEED });
  const server = new ServerSyncTop(handler, {
    ...{ distBackend: mounts[stage], listen: `/federation/${stage}`, worldSize: banks + 1 },
    ...{ rounds: rounds[stage], loggerFile: "" },
    log: { console: false },
    timeouts: { joinSeconds: JOIN_SECONDS, roundSeconds: 600 },
    onEvent(event) {
      if (event.type === "joining") console.log(event.progress);
      if (event.type !== "round-ended") return;
      const { round, accuracy = 0 } = event.report;
      console.log(`${stage}, round ${round}: accuracy ${(accuracy * 100).toFixed(1)}%`);
    },
  });
  const { modelDigest } = await server.run();
  console.log(`${stage}: model ${modelDigest}`);
  return handler.parameters;
}

function countFrom(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  console.error(
    "Usage: serve.ts HOST:PORT [BANKS [HEAD_ROUNDS [ADAPTER_ROUNDS [QUESTIONS [DIST]]]]]",
  );
  Deno.exit(2);
}
