import type { TrainPlan } from "../train_plan.ts";
import type { RunChoices } from "./choices.ts";
import { checkCompatible } from "./conflicts.ts";

/** Fields of a plan that are no choices: they differ from round to round and between clients. */
const NO_CHOICES = new Set(["round", "rank", "seed", "correction"]);

/** Choices that were checked last, and go together. */
let checked: {
  readonly fields: ReadonlyMap<string, unknown>;
  readonly ownPrivacy: RunChoices["ownPrivacy"];
} = { fields: new Map(), ownPrivacy: undefined };

/**
 * Checks that the choices of a client's plan go together. They are the same in nearly every round
 * and for every simulated client, and comparing them takes a fraction of the time.
 *
 * @param ownPrivacy Mechanism by which the client keeps its data private. Default: none.
 * @throws {RangeError} If two do not; the message names both and the reason.
 */
export function checkClientChoices(plan: TrainPlan, ownPrivacy?: RunChoices["ownPrivacy"]): void {
  if (ownPrivacy === checked.ownPrivacy && hasFields(plan, checked.fields)) return;
  checkCompatible({ plan, ...(ownPrivacy && { ownPrivacy }) }, "Cannot train");
  const fields = Object.entries(plan).filter(([name, value]) => isChoice(name, value));
  checked = { fields: new Map(fields), ownPrivacy };
}

function hasFields(plan: TrainPlan, fields: ReadonlyMap<string, unknown>): boolean {
  let count = 0;
  for (const name in plan) {
    const value = plan[name as keyof TrainPlan];
    if (!isChoice(name, value)) continue;
    if (value !== fields.get(name)) return false;
    count++;
  }
  return count === fields.size;
}

function isChoice(name: string, value: unknown): boolean {
  return value !== undefined && !NO_CHOICES.has(name);
}
