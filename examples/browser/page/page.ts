/**
 * Page that joins a federation in a worker, shows its progress, and recognizes drawings.
 *
 * @module
 */

import type { FromClient, ToClient } from "../messages.ts";
import { Cells } from "./cells.ts";
import { pixelsOf } from "./digit.ts";
import { find, percent, say, write } from "./elements.ts";
import { Pad } from "./pad.ts";
import { JoinForm, partOfAddress, showProgress } from "./progress.ts";

/** Number of rounds in the chart before the server has told theirs. */
const ROUNDS = 20;
/** Least probability of a reading that is shown as certain. */
const SURE = 0.5;
/** Pause before screen readers announce a reading, so that they do not announce every stroke. */
const REST_MILLIS = 300;

const server = find("server", HTMLInputElement);
const part = find("part", HTMLInputElement);
const parts = find("parts", HTMLInputElement);
const form = new JoinForm([server, part, parts], { join, leave: () => post({ type: "leave" }) });

let worker: Worker | undefined;
let rounds = ROUNDS;
let hasModel = false;
const lines = { global: new Map<number, number>(), local: new Map<number, number>() };

function post(message: ToClient): void {
  worker?.postMessage(message);
}

function join(): void {
  worker?.terminate();
  worker = new Worker(new URL("client.js", document.baseURI), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<FromClient>) => take(data);
  worker.onerror = (event) => form.end(`The worker failed: ${event.message}`, "failed");
  lines.global.clear();
  lines.local.clear();
  hasModel = false;
  showProgress(rounds, lines);
  form.begin();
  say("Loading the digits.", "busy");
  post({
    type: "join",
    server: server.value,
    part: Number(part.value),
    parts: Number(parts.value),
  });
}

function take(message: FromClient): void {
  switch (message.type) {
    case "loaded": {
      const { samples, labels, testSamples } = message;
      write("samples", String(samples));
      const which = labels.length === 10 ? "all ten of them" : `only ${labels.join(", ")}`;
      write(
        "labels",
        `The digits here: ${which}. Accuracy is measured on ${testSamples} others, of all ten.`,
      );
      return say("Waiting for the server.", "busy");
    }
    case "joined": {
      const { rank, worldSize } = message;
      rounds = message.rounds;
      showProgress(rounds, lines);
      return say(
        `Joined as client ${rank} of ${worldSize - 1}. Training begins when all are here.`,
        "busy",
      );
    }
    case "training":
      write("round", `${message.round} of ${rounds}`);
      return say("Training together.", "busy");
    case "trained":
      lines.local.set(message.round, message.accuracy);
      hasModel = true;
      showProgress(rounds, lines);
      return read();
    case "evaluated":
      lines.global.set(message.round, message.accuracy);
      hasModel = true;
      showProgress(rounds, lines);
      return read();
    case "reading":
      return showReading(message.probabilities);
    case "over": {
      // Where updates are masked or private, clients do not evaluate the shared model.
      const accuracy = [...lines.global.values()].at(-1);
      const result = accuracy === undefined
        ? ""
        : ` The shared model recognizes ${percent(accuracy)} of the test digits.`;
      return form.end(`The run is over.${result}`, "done");
    }
    case "left":
      return form.end("You have left the run.", "idle");
    case "failed":
      return form.end(message.message, "failed");
  }
}

const bars = Array.from({ length: 10 }, (_, digit) => {
  const item = document.createElement("li");
  const parts = ["digit", "bar", "percent"].map((name) => {
    const part = document.createElement("span");
    part.className = name;
    return part;
  });
  const [name, , share] = parts;
  if (name) name.textContent = String(digit);
  item.append(...parts);
  return { item, share };
});
find("classes", HTMLOListElement).append(...bars.map(({ item }) => item));

const cells = new Cells(find("cells", HTMLElement), () => {
  pad.clear();
  read();
});
const pad = new Pad(find("pad", HTMLCanvasElement), (strokes) => {
  cells.values = pixelsOf(strokes);
  read();
});

function isBlank(): boolean {
  return cells.values.every((value) => value === 0);
}

function read(): void {
  if (isBlank()) return showBars([]);
  if (!hasModel) {
    write(
      "reading",
      "There is no model yet: join, and the drawing is recognized after the first round.",
    );
    return;
  }
  post({ type: "read", pixels: cells.values });
}

function showBars(probabilities: readonly number[]): void {
  const best = probabilities.indexOf(Math.max(...probabilities));
  for (const [digit, { item, share }] of bars.entries()) {
    const probability = probabilities[digit];
    item.className = digit === best ? "best" : "";
    item.style.setProperty("--share", String(probability ?? 0));
    if (share) {
      share.textContent = probability === undefined ? "" : `${Math.round(probability * 100)}%`;
    }
  }
}

let rest: number | undefined;

function showReading(probabilities: readonly number[]): void {
  if (isBlank()) return;
  showBars(probabilities);
  clearTimeout(rest);
  rest = setTimeout(() => {
    const probability = Math.max(...probabilities);
    const best = probabilities.indexOf(probability);
    const looks = probability < SURE ? "This is not clear: perhaps" : "This looks like";
    write("reading", `${looks} ${best === 8 ? "an" : "a"} ${best}.`);
  }, REST_MILLIS);
}

find("clear", HTMLButtonElement).addEventListener("click", () => {
  clearTimeout(rest);
  pad.clear();
  cells.values = cells.values.map(() => 0);
  showBars([]);
  write("reading", "Draw a digit for the model to recognize.");
});

const scheme = location.protocol === "https:" ? "wss:" : "ws:";
server.value = new URLSearchParams(location.search).get("server") ??
  `${scheme}//${location.host}/federation`;
showProgress(rounds, lines);
const asked = partOfAddress();
if (asked) {
  [part.value, parts.value] = asked;
  join();
}
