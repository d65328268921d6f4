import { runtime } from "../../base/runtime/runtime.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import { ProgressBar } from "./progress_bar.ts";
import { sparkline } from "./sparkline.ts";
import { duration, printError } from "./terminal.ts";

/** Width of the curve of the accuracy, in characters. */
const CURVE = 16;

/** Largest number of accuracies that are kept for it; beyond, each second one goes. */
const MOST_VALUES = 64 * CURVE;

/**
 * Progress of a run on a terminal: the clients that have joined, then a bar of rounds. Elsewhere
 * the log has the same information line by line.
 */
export class RunProgress implements Disposable {
  #bar: ProgressBar | undefined;
  #loss = "";
  #begun = 0;
  #first = 0;
  #rounds = 0;
  #accuracies: number[] = [];

  /** Shows an event of a server. */
  show(event: ServerEvent): void {
    switch (event.type) {
      case "listening":
        return printError(`Listening on ${event.address}`);
      case "joining":
        return printError(event.progress);
      case "round-started":
        return this.#start(event.round, event.rounds);
      case "checkpoint-failed":
        return printError(event.reason);
      case "client-lost":
        this.#loss = ` | lost rank ${event.rank}`;
        return this.#bar?.replace({ loss: this.#loss });
      case "round-ended": {
        const { round, accuracy, loss } = event.report;
        if (accuracy !== undefined) this.#keep(accuracy);
        return this.#bar?.update(round, {
          figures: [
            ...(accuracy === undefined
              ? []
              : [`accuracy ${(accuracy * 100).toFixed(1)}% ${sparkline(this.#accuracies, CURVE)}`]),
            ...(loss === undefined ? [] : [`loss ${loss.toFixed(3)}`]),
          ].join(", "),
          time: this.#timeAfter(round),
          loss: this.#loss,
        });
      }
    }
  }

  /** Stops the bar and leaves it on the screen. */
  [Symbol.dispose](): void {
    this.#bar?.[Symbol.dispose]();
  }

  #start(round: number, rounds: number): void {
    if (this.#bar !== undefined) return;
    this.#begun = runtime.clock.now();
    this.#first = round - 1;
    this.#rounds = rounds;
    const format = "{bar} round {value} of {total} | {figures} | {time}{loss}";
    this.#bar = new ProgressBar(format, rounds, 0, { figures: "training", time: "", loss: "" });
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
