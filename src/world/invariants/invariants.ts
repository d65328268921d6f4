import { blamelessAreUnharmed } from "./blameless.ts";
import { countedOnce } from "./counted_once.ts";
import { durable } from "./durable.ts";
import { ends, endsCleanly } from "./ends.ts";
import type { Invariant, Judged } from "./invariant.ts";
import { modelOfUpdates } from "./model_of_updates.ts";
import { ledgersAreComplete, privacyIsAccounted } from "./privacy.ts";
import { quorumIsKept } from "./quorum.ts";
import { modelStaysInRange } from "./range.ts";
import { ranksAreKept } from "./rank_kept.ts";
import { ranksAreUnique } from "./ranks.ts";
import { reportIsTrue } from "./report.ts";
import { resultsAreWhole } from "./results_whole.ts";
import { revealsOnce } from "./reveals.ts";
import { strangersStayOut } from "./strangers.ts";
import { sameHistory, sameModel } from "./same_model.ts";
import { sizesAreBounded } from "./sizes.ts";

/** Rules that hold whatever fails. */
export const INVARIANTS: readonly Invariant[] = [
  countedOnce,
  modelOfUpdates,
  modelStaysInRange,
  quorumIsKept,
  durable,
  reportIsTrue,
  resultsAreWhole,
  sameModel,
  sameHistory,
  ranksAreUnique,
  ranksAreKept,
  revealsOnce,
  privacyIsAccounted,
  ledgersAreComplete,
  sizesAreBounded,
  blamelessAreUnharmed,
  strangersStayOut,
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
