import { MAX_PIXEL, SIZE } from "./digit.ts";

const STEPS: Readonly<Record<string, readonly [across: number, down: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Grid of the 8 by 8 squares of the input. Each is a button; one of them is in the tab order. */
export class Cells {
  readonly #buttons: HTMLButtonElement[];
  readonly #onToggle: () => void;
  #values: number[] = new Array<number>(SIZE * SIZE).fill(0);
  #current = 0;

  constructor(group: HTMLElement, onToggle: () => void) {
    this.#onToggle = onToggle;
    this.#buttons = this.#values.map((_, i) => this.#makeButton(i));
    group.replaceChildren(...this.#buttons);
    group.addEventListener("keydown", (event) => this.#move(event));
    this.#show();
  }

  /** 64 values from 0 to 16, row by row. */
  get values(): readonly number[] {
    return this.#values;
  }

  set values(values: readonly number[]) {
    this.#values = [...values];
    this.#show();
  }

  #makeButton(i: number): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", `Row ${Math.floor(i / SIZE) + 1}, column ${i % SIZE + 1}`);
    button.addEventListener("click", () => {
      this.#current = i;
      this.#values[i] = this.#isFilled(i) ? 0 : MAX_PIXEL;
      this.#show();
      this.#onToggle();
    });
    return button;
  }

  #isFilled(i: number): boolean {
    return (this.#values[i] ?? 0) >= MAX_PIXEL / 2;
  }

  #move(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const [across, down] = step;
    const within = (place: number) => Math.min(SIZE - 1, Math.max(0, place));
    const row = within(Math.floor(this.#current / SIZE) + down);
    this.#current = row * SIZE + within(this.#current % SIZE + across);
    this.#show();
    this.#buttons[this.#current]?.focus();
  }

  #show(): void {
    for (const [i, button] of this.#buttons.entries()) {
      button.style.setProperty("--value", String(this.#values[i] ?? 0));
      button.setAttribute("aria-pressed", String(this.#isFilled(i)));
      button.tabIndex = i === this.#current ? 0 : -1;
    }
  }
}
