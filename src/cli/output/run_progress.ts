import type { ServerEvent } from "../../round/report/events.ts";
import { ProgressBar } from "./progress_bar.ts";
import { printError } from "./terminal.ts";

/**
 * Progress of a run on a terminal: the clients that have joined, then a bar of rounds. Elsewhere
 * the log has the same information line by line.
 */
export class RunProgress implements Disposable {
  #bar: ProgressBar | undefined;
  #loss = "";

  /** Shows an event of a server. */
  show(event: ServerEvent): void {
    switch (event.type) {
      case "listening":
        return printError(`Listening on ${event.address}`);
      case "joining":
        return printError(event.progress);
      case "round-started":
        return this.#start(event.rounds);
      case "checkpoint-failed":
        return printError(event.reason);
      case "client-lost":
        this.#loss = ` | lost rank ${event.rank}`;
        return this.#bar?.replace({ loss: this.#loss });
      case "round-ended": {
        const { round, accuracy, loss } = event.report;
        return this.#bar?.update(round, {
          figures: [
            ...(accuracy === undefined ? [] : [`accuracy ${(accuracy * 100).toFixed(1)}%`]),
            ...(loss === undefined ? [] : [`loss ${loss.toFixed(3)}`]),
          ].join(", "),
          loss: this.#loss,
        });
      }
    }
  }

  /** Stops the bar and leaves it on the screen. */
  [Symbol.dispose](): void {
    this.#bar?.[Symbol.dispose]();
  }

  #start(rounds: number): void {
    if (this.#bar !== undefined) return;
    const format = "{bar} round {value} of {total} | {figures} | {duration_formatted}{loss}";
    this.#bar = new ProgressBar(format, rounds, 0, { figures: "training", loss: "" });
  }
}
