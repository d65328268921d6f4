/**
 * Worker of the page: a language model that goes on with texts.
 *
 * @module
 */

import { errorMessage } from "@fedlab/core";
import { type ModelSource, TextGenerator } from "@fedlab/core/predict";
import { longestCommonPart } from "./common_part.ts";
import type { FromWriter, ToWriter, Wish } from "./messages.ts";

/** Time after which the page is told the text so far, and another wish may come. */
const SLICE_MILLIS = 12;

/** Step of the clock of a worker: a short text takes none, or one. */
const CLOCK_MILLIS = 0.1;

/** Time without another wish after which a text is compared with those of the training. */
const REST_MILLIS = 300;

const scope = self as unknown as DedicatedWorkerGlobalScope;
let generator: TextGenerator | undefined;
let texts = "";
let latest = 0;

function tell(message: FromWriter): void {
  scope.postMessage(message);
}

/** Opens a model, in place of the one before if it can be read. */
async function open(source: ModelSource): Promise<void> {
  generator = await TextGenerator.load(source);
  const { vocabulary: { size, kind }, mode } = generator.meaning;
  tell({ type: "opened", symbols: size, kind, mode });
}

/** Finds the files of a model by their names. */
async function sourceOf(files: readonly File[]): Promise<ModelSource> {
  const weights = files.find(({ name }) => name.endsWith(".safetensors"));
  if (weights === undefined) {
    throw new TypeError("Cannot open the model: expected a file model.safetensors among the files");
  }
  const text = async (name: string) => await files.find((file) => file.name === name)?.text();
  const model = await text("model.json"), schema = await text("schema.json");
  return {
    weights,
    ...(model !== undefined && { model }),
    ...(schema !== undefined && { schema }),
  };
}

/** Goes on with a text until it ends or another wish has come. */
async function write(
  { id, text, temperature, seed, length, isLine }: Wish,
  model: TextGenerator,
): Promise<void> {
  model.reset();
  // A model of lines begins anew after each line feed.
  const isOfLines = model.meaning.mode === "lines";
  model.feed(isOfLines ? text.slice(text.lastIndexOf("\n") + 1) : text);
  const pieces = model.sample({ temperature, seed, length, ...(isLine && { stop: "\n" }) });
  let written = "", count = 0, millis = 0;
  for (let isDone = false; !isDone;) {
    const begun = performance.now();
    do {
      const { done = false, value } = pieces.next();
      isDone = done;
      written += value ?? "";
      if (!done) count++;
    } while (!isDone && performance.now() - begun < SLICE_MILLIS);
    millis += performance.now() - begun;
    const perSecond = count / Math.max(CLOCK_MILLIS, millis) * 1000;
    tell({ type: "written", id, text: written, isDone, perSecond });
    await new Promise((resolve) => setTimeout(resolve));
    if (latest !== id) return;
  }
  if (texts === "") return;
  await new Promise((resolve) => setTimeout(resolve, REST_MILLIS));
  if (latest === id) tell({ type: "compared", id, part: longestCommonPart(written, texts) });
}

/** Fetches the texts of the training; none where the server has none. */
async function fetchTexts(url: string): Promise<string> {
  const response = await fetch(url);
  if (response.ok) return await response.text();
  await response.body?.cancel();
  return "";
}

scope.onmessage = async ({ data }: MessageEvent<ToWriter>) => {
  try {
    if (data.type === "write") {
      latest = data.id;
      if (generator !== undefined) await write(data, generator);
    } else if (data.type === "fetch") {
      texts = await fetchTexts(data.texts);
      await open(new URL(data.url));
    } else {
      await open(await sourceOf(data.files));
      // It may be trained on others.
      texts = "";
    }
  } catch (error) {
    const message = errorMessage(error);
    if (data.type === "write") tell({ type: "refused", id: data.id, message });
    else tell({ type: "failed", message });
  }
};
