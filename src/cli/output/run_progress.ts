import { runtime } from "../../base/runtime/runtime.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import { hasRoomForClients, LiveClients } from "./live_clients.ts";
import { ProgressBar } from "./progress_bar.ts";
import { sparkline } from "./sparkline.ts";
import { duration, printError } from "./terminal.ts";

/** Width of the curve of the accuracy, in characters. */
const CURVE = 16;

/** Largest number of accuracies that are kept for it; beyond, each second one goes. */
const MOST_VALUES = 64 * CURVE;

/** Number of characters of the bar above the clients. */
const BAR = 24;

/** Figures beside the bar. */
interface Figures {
  readonly figures: string;
  readonly time: string;
  readonly loss: string;
}

/**
 * Progress of a run on a terminal: the clients that have joined, then a bar of rounds. A wide
 * terminal shows a table of the clients too. Elsewhere the log has the same information line by
 * line.
 */
export class RunProgress implements Disposable {
  readonly #clients: LiveClients | undefined;
  #bar: ProgressBar | undefined;
  #joined = "";
  #begun = 0;
  #first = 0;
  #round = 0;
  #rounds = 0;
  #shown: Figures = { figures: "training", time: "", loss: "" };
  #accuracies: number[] = [];

  /**
   * Begins without a run.
   *
   * @param showsClients Set if a table of clients may be shown.
   */
  constructor({ showsClients = true }: { showsClients?: boolean } = {}) {
    if (showsClients && hasRoomForClients()) this.#clients = new LiveClients(() => this.#line());
  }

  /** Shows an event of a server. */
  show(event: ServerEvent): void {
    this.#apply(event);
    this.#clients?.show(event);
  }

  /** Stops the bar and leaves it on the screen. */
  [Symbol.dispose](): void {
    this.#bar?.[Symbol.dispose]();
    this.#clients?.[Symbol.dispose]();
  }

  #apply(event: ServerEvent): void {
    switch (event.type) {
      case "listening":
        return printError(`Listening on ${event.address}`);
      case "joining":
        this.#joined = event.progress;
        if (this.#clients === undefined) printError(event.progress);
        return;
      case "round-started":
        return this.#start(event.round, event.rounds);
      case "checkpoint-failed":
        return printError(event.reason);
      case "client-lost":
        return this.#update({ loss: ` | lost rank ${event.rank}` });
      case "round-ended": {
        const { round, accuracy, loss } = event.report;
        if (accuracy !== undefined) this.#keep(accuracy);
        this.#round = round;
        return this.#update({
          figures: [
            ...(accuracy === undefined
              ? []
              : [`accuracy ${(accuracy * 100).toFixed(1)}% ${sparkline(this.#accuracies, CURVE)}`]),
            ...(loss === undefined ? [] : [`loss ${loss.toFixed(3)}`]),
          ].join(", "),
          time: this.#timeAfter(round),
        });
      }
    }
  }

  #update(change: Partial<Figures>): void {
    this.#shown = { ...this.#shown, ...change };
    this.#bar?.update(this.#round, { ...this.#shown });
  }

  #start(round: number, rounds: number): void {
    if (this.#rounds > 0) return;
    this.#begun = runtime.clock.now();
    this.#first = this.#round = round - 1;
    this.#rounds = rounds;
    if (this.#clients !== undefined) return;
    const format = "{bar} round {value} of {total} | {figures} | {time}{loss}";
    this.#bar = new ProgressBar(format, rounds, this.#round, { ...this.#shown });
  }

  /** Describes the run in a line, above the clients. */
  #line(): string {
    if (this.#rounds === 0) return this.#joined;
    const { figures, time, loss } = this.#shown;
    const full = Math.round(BAR * Math.min(1, this.#round / this.#rounds));
    const bar = "█".repeat(full) + "░".repeat(BAR - full);
    return `${bar} round ${this.#round} of ${this.#rounds} | ${figures} | ${time}${loss}`;
  }

  #keep(accuracy: number): void {
    if (this.#accuracies.length >= MOST_VALUES) {
      this.#accuracies = this.#accuracies.filter((_, i) => i % 2 === 1);
    }
    this.#accuracies.push(accuracy);
  }

  /** Describes the rate of the rounds, and the time that is left at this rate. */
  #timeAfter(round: number): string {
    const seconds = (runtime.clock.now() - this.#begun) / 1000;
    const rate = (round - this.#first) / Math.max(seconds, 1e-3);
    const left = duration((this.#rounds - round) / rate);
    const text = rate >= 1 ? `${rate.toPrecision(2)} rounds/s` : `${duration(1 / rate)} a round`;
    return round < this.#rounds ? `${text}, ${left} left` : text;
  }
}
