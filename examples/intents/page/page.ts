/**
 * Page of a bank: joins a federation in a worker, shows its progress, and asks the model for the
 * intents of what is typed.
 *
 * @module
 */

import { drawChart } from "../../browser/page/chart.ts";
import type { Answer, FromBank, ToBank } from "../messages.ts";

/** Pause before screen readers announce an answer, so that they do not announce every letter. */
const REST_MILLIS = 400;

function find<T extends Element>(id: string, type: abstract new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new TypeError(`Expected an element ${id} in the page`);
  return found;
}

const part = find("part", HTMLInputElement);
const parts = find("parts", HTMLInputElement);
const file = find("file", HTMLInputElement);
const enter = find("enter", HTMLButtonElement);
const leave = find("leave", HTMLButtonElement);
const status = find("status", HTMLElement);
const progress = find("progress", HTMLProgressElement);
const question = find("question", HTMLTextAreaElement);
const intents = find("intents", HTMLOListElement);

function write(id: string, text: string): void {
  const place = find(id, HTMLElement);
  if (place.textContent !== text) place.textContent = text;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

function say(text: string, state: "idle" | "busy" | "done" | "failed"): void {
  write("status", text);
  status.dataset.state = state;
}

let worker: Worker | undefined;
let rounds = 1;
let hasModel = false;
const accuracies = new Map<number, number>();

function post(message: ToBank): void {
  worker?.postMessage(message);
}

function join(): void {
  worker?.terminate();
  worker = new Worker(new URL("bank.js", document.baseURI), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<FromBank>) => take(data);
  worker.onerror = (event) => ended(`The worker failed: ${event.message}`, "failed");
  accuracies.clear();
  hasModel = false;
  showProgress();
  setRunning(true);
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

function setRunning(isRunning: boolean): void {
  for (const input of [part, parts, file]) input.disabled = isRunning;
  const hadFocus = document.activeElement === enter || document.activeElement === leave;
  enter.hidden = isRunning;
  leave.hidden = !isRunning;
  if (hadFocus) (isRunning ? leave : enter).focus();
}

function ended(text: string, state: "idle" | "done" | "failed"): void {
  setRunning(false);
  say(text, state);
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
      showProgress();
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
      accuracies.set(message.round, message.accuracy);
      showProgress();
      return ask();
    case "answer":
      return showAnswer(message);
    case "over": {
      const accuracy = [...accuracies.values()].at(-1) ?? 0;
      return ended(
        `The run is over. The model is right on ${percent(accuracy)} of the test questions.`,
        "done",
      );
    }
    case "left":
      return ended("You have left the run.", "idle");
    case "failed":
      return ended(message.message, "failed");
  }
}

function showProgress(): void {
  const [round, accuracy] = [...accuracies].at(-1) ?? [];
  progress.max = rounds;
  progress.value = round ?? 0;
  if (round === undefined) write("round", "–");
  write("accuracy", accuracy === undefined ? "–" : percent(accuracy));
  const text = round === undefined || accuracy === undefined
    ? "No rounds yet."
    : `After round ${round} of ${rounds}: ${percent(accuracy)}.`;
  write("chart-text", text);
  drawChart(find("chart", SVGElement), rounds, { global: accuracies, local: new Map() });
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
find("join", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  join();
});
leave.addEventListener("click", () => post({ type: "leave" }));

const [, ownPart, allParts] =
  /^(\d+)\/(\d+)$/.exec(new URLSearchParams(location.search).get("part") ?? "") ?? [];
showProgress();
if (ownPart !== undefined && allParts !== undefined) {
  part.value = ownPart;
  parts.value = allParts;
  join();
}
