import { safeText } from "./event_line.ts";

/** Largest number of faults that are counted by name. */
const MAX_FAULTS = 50;

/** Name under which faults beyond those are counted. */
const OTHER_FAULTS = "other";

/** Number of refusals by fault. */
export class RefusalCounts {
  readonly #counts = new Map<string, number>();

  /** The numbers by name of fault. */
  get all(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  /** Counts a refusal. */
  add(fault: string): void {
    const isNamed = this.#counts.has(fault) || this.#counts.size < MAX_FAULTS;
    const name = isNamed ? safeText(fault) : OTHER_FAULTS;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }
}
