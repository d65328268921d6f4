import type { Point, Stroke } from "./digit.ts";

/** Width of a line, as a share of the pad. */
const LINE_WIDTH = 0.07;

/** Canvas to draw on with mouse, finger or pen. */
export class Pad {
  readonly #canvas: HTMLCanvasElement;
  readonly #onChange: (strokes: readonly Stroke[]) => void;
  #strokes: Point[][] = [];
  #drawing: number | undefined;

  constructor(canvas: HTMLCanvasElement, onChange: (strokes: readonly Stroke[]) => void) {
    this.#canvas = canvas;
    this.#onChange = onChange;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#go(event));
    for (const end of ["pointerup", "pointercancel"] as const) {
      canvas.addEventListener(end, () => this.#drawing = undefined);
    }
    // The colour of the ink follows the colour scheme.
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paint());
  }

  /** Clears the pad. */
  clear(): void {
    this.#strokes = [];
    this.#drawing = undefined;
    this.#paint();
  }

  #begin(event: PointerEvent): void {
    if (this.#drawing !== undefined || event.button !== 0) return;
    event.preventDefault();
    this.#canvas.setPointerCapture(event.pointerId);
    this.#drawing = event.pointerId;
    this.#strokes.push([this.#place(event)]);
    this.#changed();
  }

  #go(event: PointerEvent): void {
    if (this.#drawing !== event.pointerId) return;
    this.#strokes.at(-1)?.push(...this.#fine(event).map((part) => this.#place(part)));
    this.#changed();
  }

  /** Returns all positions since the last event, if the browser provides them. */
  #fine(event: PointerEvent): PointerEvent[] {
    const parts = event.getCoalescedEvents?.() ?? [];
    return parts.length > 0 ? parts : [event];
  }

  #place({ clientX, clientY }: PointerEvent): Point {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height];
  }

  #changed(): void {
    this.#paint();
    this.#onChange(this.#strokes);
  }

  #paint(): void {
    const { width, height } = this.#canvas;
    const context = this.#canvas.getContext("2d");
    if (context === null) return;
    context.clearRect(0, 0, width, height);
    context.strokeStyle = getComputedStyle(this.#canvas).color;
    context.lineWidth = LINE_WIDTH * width;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.#strokes) {
      context.beginPath();
      for (const [x, y] of stroke) context.lineTo(x * width, y * height);
      const [x, y] = stroke[0] ?? [0, 0];
      if (stroke.length === 1) context.lineTo(x * width, y * height);
      context.stroke();
    }
  }
}
