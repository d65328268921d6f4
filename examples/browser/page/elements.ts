/**
 * Elements of a page, and the texts in them.
 *
 * @module
 */

/** State of the line that says what a page does. */
export type Status = "idle" | "busy" | "done" | "failed";

/**
 * Returns an element of the page by its id.
 *
 * @throws {TypeError} If there is none of the type.
 */
export function find<T extends Element>(id: string, type: abstract new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new TypeError(`Expected an element ${id} in the page`);
  return found;
}

/** Writes a text into an element, unless it is there: screen readers announce each change. */
export function write(id: string, text: string): void {
  const place = find(id, HTMLElement);
  if (place.textContent !== text) place.textContent = text;
}

/** Writes what the page does into its element `status`. */
export function say(text: string, state: Status): void {
  write("status", text);
  find("status", HTMLElement).dataset.state = state;
}

/** Returns a share from 0 to 1 in percent. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
