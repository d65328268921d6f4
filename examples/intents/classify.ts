/**
 * Says what customers want, by the model that main.ts has trained. Each line of the input is a
 * question; the answer has the three most probable intents.
 *
 *     deno run --allow-read --allow-env examples/intents/classify.ts FOLDER
 */
import { initialParameters } from "@fedlab/core";
import { TextTokenizer } from "@fedlab/core/data";
import { EncoderBase, readPeft } from "@fedlab/core/encoder";
import { adapterModel, BASE, MAX_TOKENS, TOKENIZER } from "./settings.ts";

const [folder] = Deno.args;
if (folder === undefined) {
  console.error("Usage: classify.ts FOLDER");
  Deno.exit(2);
}
const { classes = [], parametersOf } = await readPeft(folder).catch((error) => {
  console.error(error.message);
  Deno.exit(1);
});
const model = adapterModel(classes.length);
const { manifest } = await initialParameters(model, 1);
const stored = { manifest, parameters: parametersOf(model) };
const tokenizer = await TextTokenizer.open(TOKENIZER.tokenizer, {
  sha256: TOKENIZER.tokenizerSha256,
  maxTokens: MAX_TOKENS,
});
using base = await EncoderBase.open(BASE);
using inference = await base.createInference(model, stored);

const decoder = new TextDecoderStream();
let rest = "";
for await (const piece of Deno.stdin.readable.pipeThrough(decoder)) {
  const lines = `${rest}${piece}`.split("\n");
  rest = lines.pop() ?? "";
  lines.forEach(answer);
}
if (rest !== "") answer(rest);

function answer(question: string): void {
  if (question.trim() === "") return;
  const features = new Float32Array(MAX_TOKENS);
  features.set(tokenizer.encode(question).ids);
  const logits = inference.run(features, [MAX_TOKENS]);
  const largest = Math.max(...logits);
  const odds = [...logits].map((logit) => Math.exp(logit - largest));
  const sum = odds.reduce((a, b) => a + b, 0);
  const best = classes.map((name, i) => ({ name, share: (odds[i] ?? 0) / sum }))
    .sort((a, b) => b.share - a.share).slice(0, 3);
  console.log(best.map(({ name, share }) => `${name} ${Math.round(share * 100)}%`).join(", "));
}
