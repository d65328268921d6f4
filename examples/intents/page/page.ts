/**
 * Page of a bank: joins a federation in a worker, shows its progress, and asks the model for the
 * intents of what is typed.
 *
 * @module
 */

import { find, percent, say, write } from "../../browser/page/elements.ts";
import { JoinForm, partOfAddress, showProgress } from "../../browser/page/progress.ts";
import type { Answer, FromBank, ToBank } from "../messages.ts";

/** Pause before screen readers announce an answer, so that they do not announce every letter. */
const REST_MILLIS = 400;

const part = find("part", HTMLInputElement);
const parts = find("parts", HTMLInputElement);
const file = find("file", HTMLInputElement);
const question = find("question", HTMLTextAreaElement);
const intents = find("intents", HTMLOListElement);
const form = new JoinForm([part, parts, file], { join, leave: () => post({ type: "leave" }) });

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

let worker: Worker | undefined;
let rounds = 1;
let hasModel = false;
const lines = { global: new Map<number, number>(), local: new Map<number, number>() };

function post(message: ToBank): void {
  worker?.postMessage(message);
}

function join(): void {
  worker?.terminate();
  worker = new Worker(new URL("bank.js", document.baseURI), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<FromBank>) => take(data);
  worker.onerror = (event) => form.end(`The worker failed: ${event.message}`, "failed");
  lines.global.clear();
  hasModel = false;
  showProgress(rounds, lines);
  form.begin();
  say("Loading the encoder.", "busy");
  write("title", `Bank ${part.value} of ${parts.value}`);
  const own = file.files?.[0];
  post({
    type: "join",
    origin: location.origin,
    part: `${part.value}/${parts.value}`,
    ...(own && { file: own }),
  });
}

function take(message: FromBank): void {
  switch (message.type) {
    case "fetching": {
      const { bytes, total } = message;
      return say(`Fetching the encoder: ${megabytes(bytes)} of ${megabytes(total)} MB.`, "busy");
    }
    case "loaded": {
      const { questions, testQuestions, intents, allIntents, notes } = message;
      rounds = message.rounds;
      write("questions", String(questions));
      write(
        "intents-here",
        [
          `The questions here have ${intents} of ${allIntents} intents.`,
          `Accuracy is measured on ${testQuestions} others.`,
          ...notes,
        ].join(" "),
      );
      showProgress(rounds, lines);
      return say("Waiting for the server.", "busy");
    }
    case "waiting":
      return say(message.message, "busy");
    case "joined":
      return say(
        `Joined as bank ${message.rank} of ${message.banks}. Training goes on when all are here.`,
        "busy",
      );
    case "training":
      hasModel = true;
      write("round", `${message.round} of ${rounds}`);
      say(`Training ${message.stage === "head" ? "the head" : "the adapters"} together.`, "busy");
      return ask();
    case "evaluated":
      lines.global.set(message.round, message.accuracy);
      showProgress(rounds, lines);
      return ask();
    case "answer":
      return showAnswer(message);
    case "over": {
      const accuracy = [...lines.global.values()].at(-1) ?? 0;
      return form.end(
        `The run is over. The model is right on ${percent(accuracy)} of the test questions.`,
        "done",
      );
    }
    case "left":
      return form.end("You have left the run.", "idle");
    case "failed":
      return form.end(message.message, "failed");
  }
}

function ask(): void {
  if (question.value.trim() === "") {
    intents.replaceChildren();
    write("note", "");
    return;
  }
  if (hasModel) post({ type: "ask", question: question.value });
  else write("reading", "There is no model yet: it is answered when training begins.");
}

let rest: number | undefined;

function showAnswer({ question: asked, best, cut, unknown }: Answer): void {
  // The text may be another one by now.
  if (asked !== question.value) return;
  intents.replaceChildren(...best.map(([name, probability]) => {
    const item = document.createElement("li");
    const shown = { name: readable(name), percent: percent(probability), bar: "" };
    for (const [kind, text] of Object.entries(shown)) {
      const element = document.createElement("span");
      element.className = kind;
      element.textContent = text;
      item.append(element);
    }
    item.style.setProperty("--share", String(probability));
    return item;
  }));
  const notes = [
    ...cut > 0 ? [`The question is too long: its last ${cut} tokens are not read.`] : [],
    ...unknown > 0 ? [`The encoder does not know ${unknown} of its tokens.`] : [],
  ];
  write("note", notes.join(" "));
  clearTimeout(rest);
  rest = setTimeout(
    () => write("reading", `Probably: ${readable(best[0]?.[0] ?? "")}.`),
    REST_MILLIS,
  );
}

function readable(name: string): string {
  return name.replaceAll("_", " ");
}

question.addEventListener("input", ask);

showProgress(rounds, lines);
const asked = partOfAddress();
if (asked) {
  [part.value, parts.value] = asked;
  join();
}
