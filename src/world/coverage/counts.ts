import { type Machine, nameOf, transitionsOf } from "./machine.ts";

/** Next states by state and event. */
type NextStates = ReadonlyMap<string, string>;

/** Numbers of times that the transitions of some machines were made. */
export class Counts {
  readonly #machines = new Map<string, { readonly machine: Machine; readonly next: NextStates }>();
  readonly #byName = new Map<string, number>();
  /** Numbers of what happened in a state of a machine that has no transition for it. */
  readonly unlisted = new Map<string, number>();

  /** Begins at zero. */
  constructor(machines: readonly Machine[]) {
    for (const machine of machines) {
      const rows = transitionsOf(machine);
      const next = new Map(rows.map(({ from, on, to }) => [`${from}|${on}`, to]));
      this.#machines.set(machine.name, { machine, next });
      for (const { name } of rows) this.#byName.set(name, 0);
    }
  }

  /** First state of a machine. */
  startOf(name: string): string {
    return this.#machines.get(name)?.machine.start ?? "";
  }

  /**
   * Counts what happens in a state of a machine, and returns the next state.
   *
   * @param isByRule Unset if a peer breaks the rules, so that anything may happen.
   */
  step(machine: string, from: string, on: string, isByRule = true): string {
    const known = this.#machines.get(machine), to = known?.next.get(`${from}|${on}`);
    if (to === undefined) {
      if (!isByRule || known?.machine.quiet?.includes(on)) return from;
      const what = `${machine}, ${from}: ${on}`;
      this.unlisted.set(what, (this.unlisted.get(what) ?? 0) + 1);
      return from;
    }
    const name = nameOf(machine, [from, on, to]);
    this.#byName.set(name, (this.#byName.get(name) ?? 0) + 1);
    return to;
  }

  /** Number of times that a transition was made. */
  countOf(name: string): number {
    return this.#byName.get(name) ?? 0;
  }

  /** Number of transitions. */
  get size(): number {
    return this.#byName.size;
  }

  /** Number of transitions that were made at least once. */
  get reached(): number {
    return [...this.#byName.values()].filter((count) => count > 0).length;
  }
}
