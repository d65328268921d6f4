/**
 * Progress of a run in a page: its rounds, their accuracies, and the buttons to join and to leave.
 *
 * @module
 */

import { drawChart, type Line } from "./chart.ts";
import { find, percent, say, type Status, write } from "./elements.ts";

/** Shows the latest round and its accuracy, and draws those of all rounds. */
export function showProgress(
  rounds: number,
  lines: { readonly global: Line; readonly local: Line },
): void {
  const progress = find("progress", HTMLProgressElement);
  const [round, accuracy] = [...lines.global].at(-1) ?? [];
  progress.max = rounds;
  progress.value = round ?? 0;
  if (round === undefined) write("round", "–");
  write("accuracy", accuracy === undefined ? "–" : percent(accuracy));
  const text = round === undefined || accuracy === undefined
    ? "No rounds yet."
    : `After round ${round} of ${rounds}: ${percent(accuracy)}.`;
  write("chart-text", text);
  drawChart(find("chart", SVGElement), rounds, lines);
}

/** Form in which a run is joined and left. */
export class JoinForm {
  readonly #enter = find("enter", HTMLButtonElement);
  readonly #leave = find("leave", HTMLButtonElement);
  readonly #inputs: readonly HTMLInputElement[];

  /** Creates the form, with the inputs that are as they are while a run goes on. */
  constructor(
    inputs: readonly HTMLInputElement[],
    { join, leave }: { readonly join: () => void; readonly leave: () => void },
  ) {
    this.#inputs = inputs;
    find("join", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      join();
    });
    this.#leave.addEventListener("click", leave);
  }

  /** Shows that a run has begun. */
  begin(): void {
    this.#setRunning(true);
  }

  /** Shows that the run is over, and why. */
  end(text: string, state: Exclude<Status, "busy">): void {
    this.#setRunning(false);
    say(text, state);
  }

  #setRunning(isRunning: boolean): void {
    const enter = this.#enter, leave = this.#leave;
    for (const input of this.#inputs) input.disabled = isRunning;
    const hadFocus = document.activeElement === enter || document.activeElement === leave;
    enter.hidden = isRunning;
    leave.hidden = !isRunning;
    if (hadFocus) (isRunning ? leave : enter).focus();
  }
}

/** Returns the part that the page's address asks for, such as 2 and 3 of `?part=2/3`. */
export function partOfAddress(): readonly [part: string, parts: string] | undefined {
  const asked = new URLSearchParams(location.search).get("part") ?? "";
  const [, part, parts] = /^(\d+)\/(\d+)$/.exec(asked) ?? [];
  return part === undefined || parts === undefined ? undefined : [part, parts];
}
