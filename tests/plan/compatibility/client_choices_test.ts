import { assertThrows } from "@std/assert";
import { checkClientChoices } from "../../../src/plan/compatibility/client_choices.ts";
import type { TrainPlan } from "../../../src/plan/train_plan.ts";

const PLAN: TrainPlan = {
  ...{
    epochs: 1,
    batchSize: 10,
    learningRate: 0.1,
    momentum: 0,
    weightDecay: 0,
    keepMomentum: false,
  },
  ...{ round: 1, rank: 1, seed: 1 },
};

Deno.test("checkClientChoices() checks each plan that differs from the last one in a choice", () => {
  const adam: TrainPlan = { ...PLAN, optimizer: "adam" };
  const bad: TrainPlan[] = [
    { ...adam, momentum: 0.9 },
    { ...PLAN, nesterov: true },
    { ...PLAN, rule: { name: "gradient" }, weightDecay: 0.1 },
  ];
  for (let round = 1; round <= 3; round++) {
    for (const plan of [PLAN, adam, { ...adam, optimizer: undefined }]) {
      checkClientChoices({ ...plan, round } as TrainPlan);
    }
    for (const plan of bad) {
      checkClientChoices({ ...PLAN, round });
      const check = () => checkClientChoices({ ...plan, round });
      assertThrows(check, RangeError, "does not go with");
      assertThrows(check, RangeError, "does not go with");
    }
  }
});

Deno.test("checkClientChoices() checks the privacy of the client with the plan", () => {
  const plan: TrainPlan = { ...PLAN, rule: { name: "ditto", lambda: 0.1 } };
  checkClientChoices(plan);
  assertThrows(() => checkClientChoices(plan, "dp-sgd"), RangeError, "does not go with");
  checkClientChoices(plan);
});
