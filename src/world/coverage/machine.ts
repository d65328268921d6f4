import type { FederationPlan } from "../federation/plan.ts";
import type { Moment } from "../watch/moment.ts";

/** Transition of a machine: its state, what happens, and its next state. */
export type Row = readonly [from: string, on: string, to: string];

/** Rows of a machine that one section of the protocol speaks of. */
export interface RowsOf {
  /** Heading in `docs/PROTOCOL.md`. */
  readonly section: string;
  /** Returns true for federations in which the rows can be reached. Default: all. */
  readonly needs?: (plan: FederationPlan) => boolean;
  readonly rows: readonly Row[];
}

/** Machine of the protocol: what one side of a conversation goes through. */
export interface Machine {
  readonly name: string;
  /** First state. */
  readonly start: string;
  readonly parts: readonly RowsOf[];
  /** Events that mean nothing in a state without a row for them. */
  readonly quiet?: readonly string[];
}

/** Transition with its name and its place in the protocol's page. */
export interface Transition {
  /** Name, which is unique. */
  readonly name: string;
  readonly machine: string;
  readonly from: string;
  readonly on: string;
  readonly to: string;
  readonly section: string;
  readonly needs: (plan: FederationPlan) => boolean;
}

/** Returns the name of a transition. */
export function nameOf(machine: string, [from, on, to]: Row): string {
  return `${machine}, ${from}: ${on} -> ${to}`;
}

/** Returns the transitions of a machine. */
export function transitionsOf({ name, parts }: Machine): readonly Transition[] {
  return parts.flatMap(({ section, needs = () => true, rows }) =>
    rows.map((row) => {
      const [from, on, to] = row;
      return { name: nameOf(name, row), machine: name, from, on, to, section, needs };
    })
  );
}

/** Returns a row for each of some states and each of some events. */
export function each(states: readonly string[], ons: readonly string[], to: string): Row[] {
  return states.flatMap((state) => ons.map((on): Row => [state, on, to]));
}

/** Returns a row for each of some states and events after which the state is the same. */
export function stays(states: readonly string[], ons: readonly string[]): Row[] {
  return states.flatMap((state) => ons.map((on): Row => [state, on, state]));
}

/**
 * Checks that a moment is one of some machines.
 *
 * @throws {RangeError} If there is no such machine or state.
 */
export function checkMoment({ machine, state }: Moment, machines: readonly Machine[]): void {
  const found = machines.find(({ name }) => name === machine);
  if (found === undefined) {
    throw new RangeError(
      `Cannot wait for a moment of ${machine}: expected one of ${
        machines.map(({ name }) => name).join(", ")
      }`,
    );
  }
  const states = new Set(transitionsOf(found).flatMap(({ from, to }) => [from, to]));
  if (states.has(state)) return;
  throw new RangeError(
    `Cannot wait for the state ${state} of the ${machine}: expected one of ${
      [...states].join(", ")
    }`,
  );
}
