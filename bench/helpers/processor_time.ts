import process from "node:process";
import type { ServerEvent } from "../../src/round/report/events.ts";

/** Processor time of this process by rounds, which depends little on what else the machine does. */
export class ProcessorTime {
  readonly #millis: number[] = [];
  #began = 0;

  /** Notes the begin and the end of rounds. */
  readonly onEvent = ({ type }: Pick<ServerEvent, "type">): void => {
    if (type === "round-started") this.#began = processorMillis();
    else if (type === "round-ended") this.#millis.push(processorMillis() - this.#began);
  };

  /** Mean milliseconds of the rounds from `from` to before `to`, counted as in `slice()`. */
  mean(from: number, to?: number): number {
    const rounds = this.#millis.slice(from, to);
    return rounds.reduce((sum, millis) => sum + millis, 0) / rounds.length;
  }
}

/** Returns the milliseconds of the processor that this process, with all its threads, has used. */
export function processorMillis(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
