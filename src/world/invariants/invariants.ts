import { countedOnce } from "./counted_once.ts";
import { durable } from "./durable.ts";
import { ends, endsCleanly } from "./ends.ts";
import type { Invariant, Judged } from "./invariant.ts";
import { ranksAreUnique } from "./ranks.ts";
import { sameHistory, sameModel } from "./same_model.ts";

/** Rules that hold whatever fails. */
export const INVARIANTS: readonly Invariant[] = [
  countedOnce,
  durable,
  sameModel,
  sameHistory,
  ranksAreUnique,
  ends,
  endsCleanly,
];

/** Breach of a rule. */
export interface Violation {
  readonly invariant: string;
  readonly text: string;
}

/** Finds all breaches of all rules. */
export function judge(judged: Judged): readonly Violation[] {
  return INVARIANTS.flatMap(({ name, breaches }) =>
    breaches(judged).map((text) => ({ invariant: name, text }))
  );
}
