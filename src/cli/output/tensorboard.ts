import { runtime } from "../../base/runtime/runtime.ts";
import { errorMessage } from "../../base/errors.ts";
import type { Metrics } from "../../plan/results.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import type { RoundReport } from "../../round/report/report.ts";
import { EventFile } from "../../store/tensorboard/event_file.ts";
import { mayUse, mayWrite } from "../options/permissions.ts";
import { printError } from "./terminal.ts";

/** Figures of a round that become curves. */
const SCALARS = [
  "loss",
  "accuracy",
  "trainLoss",
  "bytesUp",
  "bytesDown",
  "seconds",
  "learningRate",
] as const;

/** Names the curves of further figures by their group, such as `metrics/f1`. */
function named(group: string, metrics: Metrics = {}): Metrics {
  const entries = Object.entries(metrics);
  return Object.fromEntries(entries.map(([name, value]) => [`${group}/${name}`, value]));
}

/** Writer of TensorBoard event files; without a folder it writes nothing. */
export class Curves implements Disposable {
  readonly #folder: string | undefined;
  readonly #goesOn: boolean;
  #file: EventFile | undefined;
  #failure: Error | undefined;

  private constructor(folder: string | undefined, goesOn: boolean) {
    this.#folder = folder;
    this.#goesOn = goesOn;
  }

  /**
   * Makes the folder; the event file is created with the first round.
   *
   * @param folder Folder of the event files. Default: none are written.
   * @param options With `goesOn`, a resumed run replaces the events of the rounds that it repeats.
   * @throws {Error} If the folder cannot be written.
   */
  static async open(folder: string | undefined, { goesOn = false } = {}): Promise<Curves> {
    if (folder !== undefined) {
      await mayUse("write", folder);
      await runtime.files.mkdir(folder, { recursive: true }).catch((cause) => {
        throw new Error(`Cannot make the folder ${folder}: ${errorMessage(cause)}`, { cause });
      });
      await mayWrite(`${folder}/events`);
    }
    return new Curves(folder, goesOn);
  }

  /** Error at which the curves ended, if any; the run itself goes on. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Writes the figures of a round that has ended; ignores other events. */
  show(event: ServerEvent): void {
    if (event.type !== "round-ended" || this.#failure !== undefined) return;
    try {
      this.#write(event.report);
    } catch (cause) {
      const text = `Cannot write event files in ${this.#folder}: ${errorMessage(cause)}`;
      this.#failure = new Error(text, { cause });
      printError(`${text}; the run goes on without them`);
    }
  }

  #write(report: RoundReport): void {
    if (this.#folder === undefined) return;
    const { accuracy, loss } = report.clients ?? {};
    const scalars = Object.entries({
      ...Object.fromEntries(SCALARS.map((name) => [name, report[name]])),
      "clients/accuracy": accuracy?.mean,
      "clients/worstDecile": accuracy?.worstDecile,
      "clients/loss": loss?.mean,
      ...named("metrics", report.metrics),
      ...named("trainMetrics", report.trainMetrics),
    }).filter((entry): entry is [string, number] => entry[1] !== undefined);
    if (this.#file === undefined) {
      this.#file = EventFile.create(this.#folder);
      if (this.#goesOn) this.#file.restart(report.round);
    }
    this.#file.write(report.round, Object.fromEntries(scalars));
  }

  /** Closes the event file. */
  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
  }
}
