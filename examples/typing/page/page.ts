/**
 * Page in which a language model goes on with what is typed.
 *
 * @module
 */

import { find, say, write } from "../../browser/page/elements.ts";
import type { FromWriter, ToWriter } from "../messages.ts";

const text = find("text", HTMLTextAreaElement);
const own = find("own", HTMLElement);
const added = find("new", HTMLElement);
const keep = find("keep", HTMLButtonElement);
const another = find("another", HTMLButtonElement);
const temperature = find("temperature", HTMLInputElement);
const length = find("length", HTMLInputElement);
const line = find("line", HTMLInputElement);
const files = find("files", HTMLInputElement);

const worker = new Worker(new URL("writer.js", document.baseURI), { type: "module" });
let wish = 0, seed = 0;
let hasModel = false;

function post(message: ToWriter): void {
  worker.postMessage(message);
}

/** Asks the model for the text that follows. */
function goOn(): void {
  write("temperature-value", Number(temperature.value).toFixed(2));
  if (!hasModel) return;
  if (!length.checkValidity()) return refuse(`Characters at most: ${length.validationMessage}`);
  post({
    type: "write",
    id: ++wish,
    text: text.value,
    temperature: Number(temperature.value),
    seed,
    length: Number(length.value),
    isLine: line.checked,
  });
}

function refuse(problem: string): void {
  // What was written is no answer to the text of now.
  wish++;
  own.textContent = added.textContent = "";
  keep.disabled = true;
  write("speed", "");
  write("common", "");
  write("problem", problem);
}

worker.onmessage = ({ data: message }: MessageEvent<FromWriter>) => {
  switch (message.type) {
    case "opened": {
      const { symbols, kind, mode } = message;
      hasModel = true;
      another.disabled = false;
      say(
        `The model knows ${symbols} symbols, which are ${kind}, and was trained on ${mode}.`,
        "done",
      );
      return goOn();
    }
    case "failed":
      return say(message.message, "failed");
    case "written": {
      if (message.id !== wish) return;
      own.textContent = text.value;
      added.textContent = message.text;
      keep.disabled = message.text === "";
      write("problem", "");
      write("common", "");
      const rate = Math.round(message.perSecond).toLocaleString("en");
      return write("speed", message.isDone ? `${rate} characters a second` : "");
    }
    case "compared": {
      if (message.id !== wish) return;
      const { part } = message;
      return write(
        "common",
        `Longest part that the training texts have too, ${part.length} characters: ${
          JSON.stringify(part)
        }`,
      );
    }
    case "refused":
      if (message.id === wish) refuse(message.message);
  }
};
worker.onerror = (event) => say(`The worker failed: ${event.message}`, "failed");

for (const input of [text, temperature, length, line]) input.addEventListener("input", goOn);
keep.addEventListener("click", () => {
  text.value += added.textContent ?? "";
  text.focus();
  goOn();
});
another.addEventListener("click", () => {
  seed++;
  goOn();
});
files.addEventListener("change", () => {
  if (files.files === null || files.files.length === 0) return;
  say("Opening the model.", "busy");
  post({ type: "open", files: [...files.files] });
});

say("Loading the model.", "busy");
post({
  type: "fetch",
  url: new URL("model/", document.baseURI).href,
  texts: new URL("texts.txt", document.baseURI).href,
});
