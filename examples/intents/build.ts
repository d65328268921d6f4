/**
 * Builds the pages of the banks into `examples/intents/dist/`, with the encoder in 16-bit floats.
 *
 *     deno task build:intents
 *
 * It takes the encoder from the folder `FEDLAB_MINILM`: `model.safetensors`, `tokenizer.json` and
 * `config.json` of all-MiniLM-L6-v2, or of another BERT.
 */
import { errorMessage } from "@fedlab/core";
import { encoderShapeOf, FrozenBase, writeBase } from "@fedlab/core/encoder";
import { buildPage } from "../browser/bundle.ts";
import type { EncoderFacts } from "./facts.ts";
import { MAX_TOKENS, MINILM } from "./settings.ts";

const HERE = import.meta.dirname ?? ".";
const [dist = `${HERE}/dist`] = Deno.args;

await Deno.mkdir(dist, { recursive: true });
const facts = await convertEncoder().catch((error) => {
  console.error(`Cannot take the encoder from ${MINILM}: ${errorMessage(error)}`);
  Deno.exit(1);
});
await Deno.writeTextFile(`${dist}/encoder.json`, JSON.stringify(facts));
console.log(`model.safetensors: ${(facts.encoder.base.bytes / 1e6).toFixed(1)} MB`);
await buildPage({
  dist,
  modules: { "bank.js": `${HERE}/worker.ts`, "page.js": `${HERE}/page/page.ts` },
  files: {
    "index.html": `${HERE}/page/index.html`,
    "intents.css": `${HERE}/page/intents.css`,
    "styles.css": `${HERE}/../browser/page/styles.css`,
    "tokenizer.json": `${MINILM}/tokenizer.json`,
  },
});

/** Writes the encoder in half the bytes, and gives what a model's description says of it. */
async function convertEncoder(): Promise<EncoderFacts> {
  const shape = encoderShapeOf(JSON.parse(await Deno.readTextFile(`${MINILM}/config.json`)));
  const path = `${MINILM}/model.safetensors`;
  using base = await FrozenBase.open({ path, sha256: await digestOf(path) });
  const halves = await writeBase(`${dist}/model.safetensors`, base, "f16");
  return {
    encoder: { base: { ...halves, format: "safetensors" }, encoder: shape },
    tokenizer: {
      sha256: await digestOf(`${MINILM}/tokenizer.json`),
      maxTokens: Math.min(MAX_TOKENS, shape.positions),
    },
  };
}

async function digestOf(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(digest).toHex();
}
