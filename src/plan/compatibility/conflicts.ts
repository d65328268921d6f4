/**
 * The table of choices that do not go together.
 *
 * @module
 */

import { type Choice, type ChoiceName, CHOICES, type RunChoices } from "./choices.ts";

/** Two choices that do not go together. */
export interface Conflict {
  /** The choices. */
  readonly between: readonly [ChoiceName, ChoiceName];
  /** Reason. */
  readonly reason: string;
}

const FEDSGD = "clients take no steps of their own";
const OWN_STATE = "client and server would keep different states of one update";
const SUM_ALONE = "the server learns a sum, and no figure of a single client";
const CLIENT_NOISE = "a gradient of all records is sent as it is";
const STILL = "it moves the matrices whose turn it is not";
const FEDNOVA = "the length of such steps is not known";

/**
 * All pairs of choices that do not go together; every other pair does.
 *
 * To add a choice, name it in `CHOICES` and list here what it does not go with. Refusals, the page
 * in docs and the test of all pairs follow from it.
 */
export const CONFLICTS: readonly Conflict[] = [
  { between: ["adam", "momentum"], reason: "Adam has moments of its own" },
  { between: ["nesterov", "noMomentum"], reason: "it is a form of momentum" },
  { between: ["gradients", "adam"], reason: FEDSGD },
  { between: ["gradients", "momentum"], reason: FEDSGD },
  { between: ["gradients", "weightDecay"], reason: FEDSGD },
  { between: ["gradients", "proximal"], reason: FEDSGD },
  { between: ["gradients", "ownSettings"], reason: FEDSGD },
  { between: ["normalizedSteps", "adam"], reason: FEDNOVA },
  { between: ["normalizedSteps", "nesterov"], reason: FEDNOVA },
  { between: ["normalizedSteps", "keptMomentum"], reason: FEDNOVA },
  { between: ["normalizedSteps", "proximalMomentum"], reason: FEDNOVA },
  { between: ["normalizedSteps", "largeProximal"], reason: "such steps overshoot" },
  { between: ["scaffold", "adam"], reason: "control variates correct steps of plain SGD" },
  { between: ["scaffold", "momentum"], reason: "control variates correct steps of plain SGD" },
  { between: ["ditto", "keptMomentum"], reason: "two models cannot keep one momentum" },
  { between: ["simulation", "keptMomentum"], reason: "one handler serves many clients in turn" },
  { between: ["fixedStep", "schedule"], reason: "the schedule would have no effect" },
  {
    between: ["honestMajority", "overSelection"],
    reason: "the first updates alone count, and hostile clients can be first",
  },
  { between: ["exactSums", "noSums"], reason: "only sums can be taken in any order" },
  {
    between: ["exactSums", "privacy"],
    reason: "its sums are of whole numbers, exact in any order",
  },
  {
    between: ["exactSums", "asynchronous"],
    reason: "which updates make a version depends on their order",
  },
  { between: ["gradients", "privacy"], reason: "a gradient is no change of a model to clip" },
  { between: ["clientControl", "privacy"], reason: "its second vector has no noise" },
  { between: ["manyMeans", "privacy"], reason: "the mean alone is private" },
  { between: ["privacy", "overSelection"], reason: "the guarantee is for cohorts as planned" },
  { between: ["privacy", "biasedSelection"], reason: "the guarantee needs cohorts of its own" },
  { between: ["privacy", "clientEvaluation"], reason: "the clients' figures have no noise" },
  { between: ["untrained", "privacy"], reason: "noise makes variances negative" },
  { between: ["gradients", "distributed"], reason: "a gradient is no change of a model to clip" },
  { between: ["untrained", "distributed"], reason: "noise makes variances negative" },
  { between: ["distributed", "overSelection"], reason: "the guarantee is for cohorts as planned" },
  { between: ["distributed", "biasedSelection"], reason: "the guarantee needs cohorts of its own" },
  { between: ["clientControl", "secure"], reason: "its second vector has no masks" },
  { between: ["manyMeans", "secure"], reason: SUM_ALONE },
  { between: ["secure", "asynchronous"], reason: "updates of different ages have no common sum" },
  { between: ["secure", "figureSelection"], reason: SUM_ALONE },
  { between: ["secure", "clientEvaluation"], reason: "the clients' figures have no masks" },
  {
    between: ["secure", "uplink"],
    reason: "masked values are summed, and codes of values have no sum",
  },
  { between: ["secure", "downlink"], reason: "masks cancel between clients with one model alone" },
  { between: ["secretCohorts", "secure"], reason: "members learn who else is in their cohort" },
  { between: ["gradients", "recordPrivacy"], reason: CLIENT_NOISE },
  { between: ["gradients", "localPrivacy"], reason: CLIENT_NOISE },
  { between: ["initialLoss", "recordPrivacy"], reason: "the losses have no noise" },
  { between: ["initialLoss", "localPrivacy"], reason: "the losses have no noise" },
  { between: ["normalizedSteps", "recordPrivacy"], reason: "the number of steps is not told" },
  { between: ["normalizedSteps", "localPrivacy"], reason: "the number of steps is not told" },
  { between: ["scaffold", "recordPrivacy"], reason: "the number of steps is not told" },
  { between: ["ditto", "recordPrivacy"], reason: "its second model would spend the budget twice" },
  { between: ["scaffold", "localPrivacy"], reason: OWN_STATE },
  { between: ["feddyn", "localPrivacy"], reason: OWN_STATE },
  { between: ["recordPrivacy", "clientEvaluation"], reason: "the clients' figures have no noise" },
  { between: ["localPrivacy", "clientEvaluation"], reason: "the clients' figures have no noise" },
  {
    between: ["tfjs", "recordPrivacy"],
    reason: "the native engine alone knows the gradients of single records",
  },
  { between: ["untrained", "recordPrivacy"], reason: "moving statistics mix the records" },
  { between: ["untrained", "localPrivacy"], reason: "noise makes variances negative" },
  { between: ["gradients", "uplink"], reason: "gradients are sent as they are" },
  { between: ["scaffold", "uplink"], reason: OWN_STATE },
  { between: ["feddyn", "uplink"], reason: OWN_STATE },
  { between: ["scaffold", "downlink"], reason: "control variates are sent as they are" },
  {
    between: ["honestMajority", "coarseUplink"],
    reason: "its errors are as large as what hostile clients send",
  },
  { between: ["cluster", "ownWorkers"], reason: "its machines train, each with --threads" },
  {
    between: ["cluster", "functionHandler"],
    reason: "it cannot be sent to a machine, as the URL of a handler's module can",
  },
  { between: ["cluster", "builtInBase"], reason: "its machines hold none; a module may open it" },
  { between: ["turns", "gradients"], reason: "a gradient is one of all matrices" },
  { between: ["turns", "clientControl"], reason: STILL },
  { between: ["turns", "serverOptimizer"], reason: STILL },
  { between: ["turns", "flex"], reason: STILL },
  { between: ["turns", "asynchronous"], reason: "updates of both turns would meet" },
  { between: ["regression", "classWeights"], reason: "there are no classes" },
  { between: ["multiLabel", "classWeights"], reason: "a row has several labels" },
  { between: ["regression", "classMetric"], reason: "there are no classes" },
  { between: ["classes", "measureMetric"], reason: "there are no measures" },
];

/**
 * The rows of the table by their first choices, of which few are made: each client checks its plan
 * in each round.
 */
const BY_FIRST = Map.groupBy(CONFLICTS.keys(), (row) => CONFLICTS[row]?.between[0]);

/** Finds the first conflict of a run's choices. */
export function findConflict(run: RunChoices): Conflict | undefined {
  let found = CONFLICTS.length;
  for (const [first, rows] of BY_FIRST) {
    if (first === undefined || !CHOICES[first].isMade(run)) continue;
    for (const row of rows) {
      const second = CONFLICTS[row]?.between[1];
      if (row < found && second !== undefined && CHOICES[second].isMade(run)) found = row;
    }
  }
  return CONFLICTS[found];
}

/**
 * Checks that the choices of a run go together.
 *
 * @param problem The beginning of the error's message, such as `"Cannot make a server"`.
 * @throws {RangeError} If two do not; the message names both and the reason.
 */
export function checkCompatible(run: RunChoices, problem: string): void {
  const conflict = findConflict(run);
  if (conflict !== undefined) throw new RangeError(`${problem}: ${conflictText(conflict)}`);
}

/** Describes a conflict. */
export function conflictText({ between: [first, second], reason }: Conflict): string {
  const { title }: Choice = CHOICES[first];
  // A title with a clause ends with a comma, which a colon replaces.
  return `${title} does not go with ${CHOICES[second].title.replace(/,$/, "")}: ${reason}`;
}
