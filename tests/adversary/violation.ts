/** The rules that a run has to keep, by letter. */
export const INVARIANTS = {
  a: "no honest update that came whole and in time is lost",
  b: "no honest client ends before the run does, or by an error",
  c: "the run reaches its last round",
  d: "the model is finite, and what the updates taken in make of it",
  e: "log, checkpoint and memory do not grow faster than the rounds",
  f: "the report names who was refused or dropped, and no honest client",
  g: "a round ends within its deadline",
  h: "a client of a malicious server ends in time, by a clear error",
} as const;

/** One rule broken. */
export interface Violation {
  readonly invariant: keyof typeof INVARIANTS;
  /** What happened, and by whom. */
  readonly text: string;
}
