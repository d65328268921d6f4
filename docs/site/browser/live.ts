/**
 * Live part of the first page: three clients and a server, each in a worker of this tab.
 *
 * @module
 */

import type { FromWorker, ToWorker } from "../live/messages.ts";

const CLIENTS = 3;
const ROUNDS = 12;
/** Size of the chart, in its own units. */
const CHART = { width: 600, height: 200 };

function find<Type extends Element>(selector: string): Type {
  const element = document.querySelector<Type>(selector);
  if (element === null) throw new Error(`Cannot show the federation: no ${selector} in the page`);
  return element;
}

const button = find<HTMLButtonElement>("#train");
const state = find<HTMLElement>("#live-state");
const cards = [...document.querySelectorAll<HTMLElement>(".client")];
const curve = find<SVGPolylineElement>("#curve");
const percent = (share: number) => `${(share * 100).toFixed(1)}%`;

/** Longest time that clients have to end after the server. */
const FAREWELL_MILLIS = 10_000;

function say(card: HTMLElement | undefined, part: string, text: string): void {
  const element = card?.querySelector(`.${part}`);
  if (element) element.textContent = text;
}

/** Shows a message of a client in its card. */
function showClient(card: HTMLElement | undefined, message: FromWorker): void {
  if (message.type === "loaded") {
    say(card, "data", `${message.samples} pictures of the digits ${message.labels.join(", ")}`);
    say(card, "doing", "waits for a round");
  } else if (message.type === "training") {
    card?.setAttribute("data-state", "training");
    say(card, "doing", `trains in round ${message.round}`);
  } else if (message.type === "trained") {
    card?.setAttribute("data-state", "sent");
    say(card, "doing", `sent its update of round ${message.round}`);
    say(card, "accuracy", `its own model: ${percent(message.accuracy)}`);
  } else if (message.type === "over") {
    card?.setAttribute("data-state", "over");
    say(card, "doing", "has the final model");
  }
}

/** Runs a federation in new workers, and ends them when it is over. */
function run(): void {
  button.disabled = true;
  state.textContent = "The workers start.";
  const points: string[] = [];
  curve.setAttribute("points", "");
  const workers: Worker[] = [];
  let last = "", open = CLIENTS + 1;
  const end = (text: string) => {
    for (const worker of workers) worker.terminate();
    clearTimeout(timer);
    state.textContent = text;
    button.disabled = false;
    button.textContent = "Train again";
  };
  const finish = () => end(`Finished after ${ROUNDS} rounds: ${last}.`);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const start = (message: ToWorker, ports: MessagePort[], tell: (told: FromWorker) => void) => {
    const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "failed") return end(`The federation stopped: ${data.message}`);
      tell(data);
      if (data.type === "over" && --open === 0) finish();
    };
    worker.onerror = ({ message }) => end(`The federation stopped: ${message}`);
    worker.postMessage(message, ports);
    workers.push(worker);
  };
  const channels = Array.from({ length: CLIENTS }, () => new MessageChannel());
  const ports = channels.map(({ port1 }) => port1);
  start({ type: "serve", ports, rounds: ROUNDS }, ports, (message) => {
    if (message.type === "round") {
      const { round, accuracy, bytes } = message;
      last = `accuracy ${percent(accuracy)} on pictures that nobody trained on`;
      state.textContent = `Round ${round} of ${ROUNDS}: ${last}, ${
        (bytes / 1000).toFixed(0)
      } kB sent.`;
      const x = CHART.width * round / ROUNDS, y = CHART.height * (1 - accuracy);
      points.push(`${x.toFixed(1)},${y.toFixed(1)}`);
      curve.setAttribute("points", points.join(" "));
      // Clients end a moment later, when they have the final model.
    } else if (message.type === "over") timer = setTimeout(finish, FAREWELL_MILLIS);
  });
  channels.forEach(({ port2 }, i) => {
    const rank = i + 1;
    start(
      { type: "join", port: port2, rank, clients: CLIENTS },
      [port2],
      (message) => showClient(cards[i], message),
    );
  });
}

button.addEventListener("click", run);
button.hidden = false;
