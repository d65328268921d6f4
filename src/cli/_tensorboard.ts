import type { ServerEvent } from "../server/events.ts";
import { EventFile } from "../store/event_file.ts";
import type { Command } from "./deps.ts";

/** The figures of a round that are curves. */
const SCALARS = ["loss", "accuracy", "trainLoss", "bytesUp", "bytesDown", "seconds"] as const;

/** Adds `--tensorboard` to a command. */
export function withTensorBoard(command: Command): Command {
  return command.option("--tensorboard <dir>", "write the rounds' figures as event files");
}

/** Writes the rounds to TensorBoard, where that was asked for. */
export class Curves implements Disposable {
  readonly #file: EventFile | undefined;

  /** Makes the file. Throws the system's error when it cannot. */
  constructor(folder: string | undefined) {
    this.#file = folder === undefined ? undefined : EventFile.create(folder);
  }

  /** Takes an event of the run. */
  show(event: ServerEvent): void {
    if (event.type !== "round-ended") return;
    const { report } = event;
    const { accuracy, loss } = report.clients ?? {};
    const scalars = Object.entries({
      ...Object.fromEntries(SCALARS.map((name) => [name, report[name]])),
      "clients/accuracy": accuracy?.mean,
      "clients/worstDecile": accuracy?.worstDecile,
      "clients/loss": loss?.mean,
    }).filter((entry): entry is [string, number] => entry[1] !== undefined);
    this.#file?.write(report.round, Object.fromEntries(scalars));
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
  }
}
